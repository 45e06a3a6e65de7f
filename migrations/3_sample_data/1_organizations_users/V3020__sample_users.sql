-- Forty accounts without a password: nobody can sign in as one of them until the
-- auth server is told to. Where a sign-up trigger makes the profile, the second
-- statement completes it.

insert into auth.users (
    id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at
)
select
    ('5a000000-0002-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'authenticated',
    'authenticated',
    lower(p.first_name || '.' || p.last_name) || '@people.example',
    '{"provider": "email", "providers": ["email"]}'::jsonb,
    jsonb_build_object('full_name', p.first_name || ' ' || p.last_name),
    timestamptz '2025-09-01 08:00+00' + n * interval '31 hours',
    timestamptz '2025-09-01 08:00+00' + n * interval '31 hours'
from generate_series(1, 40) as n
cross join lateral (
    select
        (array['Ada', 'Ben', 'Clara', 'David', 'Elif', 'Femi', 'Greta', 'Hugo', 'Ines', 'Jonas',
            'Kaja', 'Liam', 'Mara', 'Nils', 'Olga', 'Pavel', 'Rosa', 'Sven', 'Tess', 'Umar'])
            [(n - 1) % 20 + 1] as first_name,
        (array['Novak', 'Okafor', 'Reyes', 'Lindqvist', 'Moreau', 'Brandt', 'Sato'])
            [(n - 1) % 7 + 1] as last_name
) p;

insert into public.profiles (id, full_name, avatar_url, locale, timezone, created_at)
select
    u.id,
    u.raw_user_meta_data ->> 'full_name',
    'https://avatars.example/' || n || '.png',
    (array['en-US', 'en-GB', 'de-AT'])[(n - 1) % 3 + 1],
    (array['America/New_York', 'Europe/London', 'Europe/Vienna'])[(n - 1) % 3 + 1],
    u.created_at
from generate_series(1, 40) as n
join auth.users u
    on u.id = ('5a000000-0002-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
on conflict (id) do update set
    full_name = excluded.full_name,
    avatar_url = excluded.avatar_url,
    locale = excluded.locale,
    timezone = excluded.timezone,
    created_at = excluded.created_at;

-- Supabase's auth server reads these columns as texts and stumbles over a null; the
-- stand-in of a plain server does not have them.
do $tokens$
declare
    token record;
begin
    for token in
        select a.attname
        from pg_catalog.pg_attribute a
        where a.attrelid = 'auth.users'::regclass
            and a.attname in (
                'confirmation_token', 'recovery_token', 'email_change_token_new', 'email_change'
            )
    loop
        execute format(
            'update auth.users set %1$I = '''' where %1$I is null and id between %2$L and %3$L',
            token.attname,
            '5a000000-0002-4000-8000-000000000000', '5a000000-0002-4000-8000-ffffffffffff'
        );
    end loop;
end
$tokens$;
