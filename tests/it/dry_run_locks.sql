-- The measured table of locks: `-- <row> <relation>=<mode> … [| <work> <relation> …]`, `-- before` what is there, and
-- the statement. Relations that a statement locks and that are neither indexes nor toast are named, all of them.
-- 1 t=AEL
alter table t add column z int;
-- 2 t=AEL
alter table t add column z timestamptz not null default now();
-- 3 t=AEL t_a=AEL | rewrite t
alter table t add column z float default random();
-- 4 t=AEL t_a=AEL | rewrite t
alter table t add column z int generated always as identity;
-- 5 t=AEL t_a=AEL | rewrite t
alter table t add column z int generated always as (a + 1) stored;
-- 7 t=AEL | scan t
alter table t add column z int not null;
-- 8 t=AEL | scan t
alter table t add column z int check (z > 0);
-- 9 f=AEL p=SRE
alter table f add column z int references p;
-- 10 f=AEL p=SRE | scan f p
alter table f add column z int default 1 references p;
-- 11 f=AEL | index f
alter table f add column z int unique;
-- 12 t=AEL t_a=AEL | rewrite t
alter table t add column z domc;
-- 13 t=AEL
alter table t add column if not exists a int;
-- 14 t=AEL
alter table t drop column b;
-- 14b t=AEL p=AEL
alter table t drop column p_id;
-- 15 t=AEL
alter table t alter column c type varchar(20);
-- 15b t=AEL
alter table t alter column c type text;
-- 16 t=AEL t_a=AEL | rewrite t
alter table t alter column a type bigint;
-- 16b t=AEL t_a=AEL | rewrite t
alter table t alter column c type varchar(5);
-- 18 t=AEL | scan t
alter table t alter column a type int;
-- 21 p=AEL t=AEL | rewrite p scan t
-- before drop view v; drop materialized view mv;
alter table p alter column id type bigint;
-- 22 t=AEL | scan t
alter table t alter column a set not null;
-- 23 t=AEL
-- before alter table t add constraint nn check (a is not null);
alter table t alter column a set not null;
-- 25 t=AEL
alter table t alter column n drop not null;
-- 25b t=AEL
alter table t alter column a set default 1;
-- 26 t=SUE
alter table t alter column a set statistics 100;
-- 27 t=AEL
alter table t alter column b set storage external;
-- 30 t=AEL | scan t
alter table t add check (n > 0);
-- 31 t=AEL
alter table t add check (n > 0) not valid;
-- 32 t=SUE | scan t
-- before alter table t add constraint nv check (n > 0) not valid;
alter table t validate constraint nv;
-- 34 f=SRE p=SRE | scan f p
alter table f add foreign key (p_id) references p;
-- 35 f=SRE p=SRE
alter table f add foreign key (p_id) references p not valid;
-- 36 f=SUE p=RS | scan f p
-- before alter table f add constraint nv foreign key (p_id) references p not valid;
alter table f validate constraint nv;
-- 39 t=AEL
alter table t alter constraint t_p deferrable;
-- 41 t=AEL
alter table t drop constraint t_ck;
-- 42 t=AEL p=AEL
alter table t drop constraint t_p;
-- 43 f=AEL | index f
alter table f add unique (k);
-- 44 t=AEL t_u=SUE
alter table t add constraint t_uq unique using index t_u;
-- 45 t=AEL
alter table t rename column a to a2;
-- 45b t=AEL
alter table t rename to t2;
-- 46 t=AEL t_a=AEL
alter table t owner to pg_monitor;
-- 47 t=SUE
alter table t set (fillfactor = 90);
-- 48 f=AEL | rewrite f
alter table f set unlogged;
-- 50 t=AEL
alter table t set access method heap;
-- 51 t=AEL
alter table t replica identity full;
-- 52 heir=AEL parent=SUE
alter table heir inherit parent;
-- 53 t=SRE
alter table t disable trigger tg;
-- 54 t=AEL
alter table t force row level security;
-- 55 t=AEL | scan t
alter table t alter column a set statistics 10, add check (n > 1);
-- 56 pt=SUE part=AEL | scan part
alter table pt attach partition part for values from (10) to (20);
-- 59 pt=AEL pt1=AEL
alter table pt detach partition pt1;
-- 61 pt=AEL
create table pt2 partition of pt for values from (20) to (30);
-- 62 pt=AEL pt1=AEL
drop table pt1;
-- 63 pt=AEL pt1=AEL | scan pt1
alter table pt alter column k set not null;
-- 64 pt=SRE pt1=SRE p=SRE | scan pt1 p
alter table pt add foreign key (k) references p;
-- 65 pt=S pt1=S | index pt1
create index on pt (k);
-- 65b pt=S
create index on only pt (k);
-- 66 t=S | index t
create index on t (n);
-- 66b t=S
create index if not exists t_a on t (a);
-- 67 t=SUE | index t
create index concurrently t_n on t (n);
-- 68 t=AEL t_a=AEL
drop index t_a;
-- 69 t=S t_a=AEL | index t
reindex index t_a;
-- 71 t_a=SUE
alter index t_a rename to t_b;
-- 72
create table w (id int);
-- 73 p=SRE
create table w (id int references p);
-- 74
create table w (like t);
-- 74b | scan t
create table w as select * from t;
-- 75 t=AEL p=AEL
drop table t;
-- 76 f=AEL | truncate f
truncate f;
-- 77
create view v2 as select a from t;
-- 77b v=AEL
drop view v;
-- 78 mv=AEL | rewrite mv scan p
refresh materialized view mv;
-- 78b mv=X | scan mv p
refresh materialized view concurrently mv;
-- 79 t=SRE
create trigger tg2 before insert on t for each row execute function tf();
-- 80 t=AEL
drop trigger tg on t;
-- 81 t=AEL
create policy po2 on t using (true);
-- 81b t=AEL
drop policy po on t;
-- 82
grant select on t to public;
-- 83 t=SUE
comment on table t is 'x';
-- 84 t=SUE
create statistics st on a, n from t;
-- 84b t=SUE
analyze t;
-- 87 s=SRE
alter sequence s restart;
-- 88
alter type e add value 'c';
-- 90
create type comp as (a int);
-- 91 td=S | scan td
alter domain dom add check (value > 0);
-- 92 td=AEL
drop domain dom cascade;
-- 93
create function fn() returns int language sql as 'select 1';
-- 97 t=AEL
lock table t;
-- 99 f=RX
insert into f values (1, 1, 1);
-- 99b t=RX p=RS
-- before insert into p values (1, 1);
insert into t (id, n, p_id) values (1, 1, 1);
