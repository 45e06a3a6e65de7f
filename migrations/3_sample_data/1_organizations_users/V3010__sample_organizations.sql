-- Sample data. A small world that is the same in every database: three tenants,
-- forty people, twenty-five events from January 2026 to December 2027, five
-- thousand orders. Its "today" is 2026-11-15: what is before that has happened.
--
-- House rules for this and the following files:
--   * every id is 5a000000-TTTT-4000-8000-NNNNNNNNNNNN, T the table and N the row,
--     so that a rollback deletes exactly these rows, and a reader of a log sees at
--     once that a row is sample data;
--   * values come from the row's number by arithmetic: no now(), no random();
--   * rows are written as the platform writes them: orders are pending before they
--     are confirmed, and the triggers of the logic phase see every one of them.

insert into public.organizations (
    id, name, slug, plan, billing_email, default_currency, timezone, settings, created_at
)
values
    ('5a000000-0001-4000-8000-000000000001', 'Northwind Conferences', 'northwind-conferences',
        'enterprise', 'billing@northwind.example', 'USD', 'America/New_York',
        '{"branding": {"color": "#1d4ed8"}, "ticket_footer": "See you there."}', '2025-09-01 09:00+00'),
    ('5a000000-0001-4000-8000-000000000002', 'Harbour Lights Live', 'harbour-lights-live',
        'pro', 'accounts@harbourlights.example', 'GBP', 'Europe/London',
        '{"branding": {"color": "#0f766e"}}', '2025-10-06 09:00+00'),
    ('5a000000-0001-4000-8000-000000000003', 'Alpenrand Events', 'alpenrand-events',
        'team', 'rechnung@alpenrand.example', 'EUR', 'Europe/Vienna',
        '{"branding": {"color": "#b45309"}, "invoice_language": "de"}', '2025-11-03 09:00+00');
