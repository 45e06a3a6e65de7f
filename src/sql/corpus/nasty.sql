/* outer /* inner ; */ still ; */ select 'it''s;' ; -- tail ; 'quote
select E'\';' , e'\\' , U&'\0441;\\', u&"odd;""name", N'n;', B'1;', X'F;';
select E'a' -- joins ; the next
  'b\';c';
;;
select $$;$$, $tag$ $$ ; $tag $tag$, $é$;$é$, a$b$c from (select 1 as a$b$c) as s;
select 1+--;
2, 3*/* ; */4, a[1:2], '{}'::int[], 1..2;
create rule r as on insert to t do also (insert into u values (1); delete from v;);
create function f(begin int) returns int begin atomic
  select case when x.end > 0 then case begin when 1 then 2 end else 3 end as end, "end", 1 as case from x; -- end;
  select ')' ; values (1);
end;
create or replace procedure p() language sql begin atomic end;
CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql AS 'select 1;';
do $do$ begin execute $q$ select ';' $q$; end $do$;
select "a;""b" as ";";
select );
explain select 1;select 2;
select 3