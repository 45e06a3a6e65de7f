create table p (id int primary key, x int);
create table t (
    id int primary key,
    a int,
    b text,
    c varchar(10),
    d numeric(10, 2),
    n int not null,
    p_id int,
    at timestamp,
    constraint t_p foreign key (p_id) references p,
    constraint t_ck check (a > 0)
);
create index t_a on t (a);
create unique index t_u on t (n);
create table f (id int, p_id int, k int not null);
create table pt (id int, k int) partition by range (id);
create table pt1 partition of pt for values from (0) to (10);
create table part (id int, k int);
create sequence s;
create view v as select x from p;
create materialized view mv as select x from p;
create unique index mv_x on mv (x);
create type e as enum ('a', 'b');
create domain dom as int;
create domain domc as int check (value > 0);
create table td (id int, v dom);
create table parent (id int, k int);
create table heir (id int, k int);
create function tf() returns trigger language plpgsql as 'begin return new; end';
create trigger tg before insert on t for each row execute function tf();
alter table t enable row level security;
create policy po on t using (true);
create function ef() returns event_trigger language plpgsql as 'begin end';
