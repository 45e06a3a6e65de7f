create table "a;b" ("--" int, "/*" int, "$$" int, "'" int, """;" int, "\" int);
select "a;b"."--", "a;b".";" as ";" from "a;b";
comment on column "a;b"."""; " is ';';
drop table "a;b" -- "
;
