create rule r as on insert to t do also (insert into u values (';'); delete from v where a = ')';);
create rule s as on update to t where new.a > 0 do instead (
  update u set a = new.a; -- ) ;
  notify changed;
);
create or replace rule n as on delete to t do instead nothing;
