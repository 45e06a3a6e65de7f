create function begin() returns atomic return 1;
create function f(begin int, atomic int = 2) returns begin language sql set x to begin begin atomic select atomic; end;
create table begin (atomic int, "end" int);
alter function f() set search_path to begin, atomic;
prepare begin as select 1 as atomic;
select begin.atomic from begin as begin;
