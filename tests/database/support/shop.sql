-- An event of tenant a that sells tickets. Included after people.sql.
insert into public.events (id, organization_id, name, start_date, end_date, status, visibility, capacity)
values ('0000e000-0000-4000-8000-00000000000a', pg_temp.org('a'), 'Fixture fair',
    now() + interval '30 days', now() + interval '31 days', 'confirmed', 'public', 500);
insert into public.ticket_categories (id, organization_id, event_id, name, price_cents, capacity, max_per_order)
values
    ('0000ca00-0000-4000-8000-000000000001', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'Standard', 2500, 10, 6),
    ('0000ca00-0000-4000-8000-000000000002', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'Free', 0, 10, 10),
    ('0000ca00-0000-4000-8000-000000000003', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'VIP', 9900, 5, 2);
create function pg_temp.category(n integer) returns uuid
language sql immutable
as $$ select ('0000ca00-0000-4000-8000-00000000000' || n)::uuid $$;

-- sold/reserved of a category.
create function pg_temp.stock(n integer) returns text
language sql
as $$ select sold || '/' || reserved from public.ticket_categories where id = pg_temp.category(n) $$;
