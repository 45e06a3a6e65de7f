-- Rows that events or members refer to stay: deleting them would either fail or
-- change other people's data. V1190 brings them up to date when it runs again.
delete from public.event_categories c
where c.id between 'c0000000-0000-4000-8000-000000000001'
        and 'c0000000-0000-4000-8000-000000000012'
    and not exists (select from public.events e where e.category_id = c.id);

delete from public.roles r
where r.id between 'a0000000-0000-4000-8000-000000000001'
        and 'a0000000-0000-4000-8000-000000000006'
    and r.organization_id is null
    and not exists (select from public.organization_members m where m.role_id = r.id);
