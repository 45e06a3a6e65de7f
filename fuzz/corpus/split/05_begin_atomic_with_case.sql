create function f(x int) returns text begin atomic
  select case when x > 0 then case x when 1 then 'a;' else 'b' end else 'c' end as end, t.end, 1 as case from t;
  select case x when 1 then 2 end;
  return case when true then (case when false then 1 end)::text end;
end;
select 1;
