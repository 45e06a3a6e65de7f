-- What a row needs that the catalog cannot say; see rows.sql. {t} is the tenant's letter.
insert into fixture_values (table_name, column_name, expression) values
    ('promo_codes', 'kind', $v$ 'percent' $v$),
    ('event_status_history', 'from_status', $v$ 'draft' $v$),
    ('event_status_history', 'to_status', $v$ 'planning' $v$),
    ('roles', 'key', $v$ 'fixture_role' $v$),
    ('financial_periods', 'closed_by', 'null'),
    ('ai_predictions', 'subject_type', $v$ 'organization' $v$),
    ('ai_predictions', 'subject_id', 'pg_temp.org(''{t}'')'),
    ('ai_messages', 'role', $v$ 'user' $v$),
    ('surveys', 'status', $v$ 'open' $v$),
    ('files', 'path', 'pg_temp.org(''{t}'') || ''/fixture''');
