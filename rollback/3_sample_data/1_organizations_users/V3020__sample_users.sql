-- Profiles go with their accounts.

delete from auth.users
where id between '5a000000-0002-4000-8000-000000000000' and '5a000000-0002-4000-8000-ffffffffffff';
