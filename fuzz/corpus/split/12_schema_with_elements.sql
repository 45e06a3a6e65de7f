create schema s authorization r
  create table t (a int primary key, b text default ';')
  create view v as select a, b from t where b <> ';'
  create index i on t (b)
  create sequence q
  grant select on v to public;
create schema if not exists other;
