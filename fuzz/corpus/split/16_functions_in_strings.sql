create function f() returns trigger language plpgsql as $function$
begin
  if tg_op = 'DELETE;' then
    execute $q$ delete from t where a = ';' -- $function 
    $q$;
  end if;
  return new; -- end;
end;
$function$;
create function g() returns int language c as 'lib;', 'symbol;';
do language plpgsql E'begin execute \'select 1;\'; end';
