create function f(begin int) returns int begin atomic
  select 1; -- end;
  insert into t values (';'); /* end; */
  return begin;
end;
create or replace procedure p() language sql begin atomic end;
create procedure q() begin atomic ;; end;
CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql AS 'select 1;';
select 2;
