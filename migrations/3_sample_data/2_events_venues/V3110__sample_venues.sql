-- Six venues, two per organization, with three spaces each; nine suppliers.

insert into public.venues (
    id, organization_id, name, description, address_line1, city, postal_code, country_code,
    latitude, longitude, timezone, capacity, is_published, created_at
)
select
    ('5a000000-0010-4000-8000-' || lpad(to_hex(v.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((v.n - 1) % 3 + 1), 12, '0'))::uuid,
    v.name, 'A house for up to ' || v.capacity || ' guests.', v.street, v.city, v.postal_code,
    v.country, v.latitude, v.longitude, v.timezone, v.capacity, true,
    timestamptz '2025-12-01 09:00+00' + v.n * interval '1 day'
from (values
    (1, 'Hudson Pier Hall', '12 River Street', 'New York', '10014', 'US', 40.733, -74.010, 'America/New_York', 2500),
    (2, 'Lantern Yard', '4 Dock Road', 'London', 'E16 1AA', 'GB', 51.508, 0.020, 'Europe/London', 2200),
    (3, 'Messehalle Nord', 'Donauufer 8', 'Vienna', '1020', 'AT', 48.217, 16.412, 'Europe/Vienna', 2400),
    (4, 'Brownstone Forum', '88 Garden Place', 'Boston', '02116', 'US', 42.350, -71.076, 'America/New_York', 1800),
    (5, 'The Gasworks', '1 Canal Walk', 'Manchester', 'M1 5WZ', 'GB', 53.473, -2.253, 'Europe/London', 1600),
    (6, 'Kongresshaus am See', 'Seeweg 3', 'Bregenz', '6900', 'AT', 47.505, 9.740, 'Europe/Vienna', 1500)
) as v (n, name, street, city, postal_code, country, latitude, longitude, timezone, capacity);

insert into public.venue_spaces (id, organization_id, venue_id, name, capacity, floor, created_at)
select
    ('5a000000-0011-4000-8000-' || lpad(to_hex((v.n - 1) * 3 + s.n), 12, '0'))::uuid,
    v.organization_id, v.id, s.name, v.capacity / s.share, s.floor, v.created_at
from (
    select row_number() over (order by id) as n, id, organization_id, capacity, created_at
    from public.venues
    where id between '5a000000-0010-4000-8000-000000000000'
        and '5a000000-0010-4000-8000-ffffffffffff'
) v
cross join (values (1, 'Main hall', '0', 2), (2, 'Studio', '1', 5), (3, 'Foyer', '0', 4))
    as s (n, name, floor, share);

insert into public.vendors (
    id, organization_id, name, category, contact_name, contact_email, contact_phone, status,
    created_at
)
select
    ('5a000000-0012-4000-8000-' || lpad(to_hex(v.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((v.n - 1) % 3 + 1), 12, '0'))::uuid,
    v.name, v.category, v.contact, 'office' || v.n || '@suppliers.example', '+1 555 010' || v.n,
    case v.n when 9 then 'inactive' else 'active' end,
    timestamptz '2025-12-10 09:00+00' + v.n * interval '1 day'
from (values
    (1, 'Full Table Catering', 'catering', 'Rita Holm'),
    (2, 'Brightside Audio', 'audio_visual', 'Owen Pike'),
    (3, 'Sicher & Ruhig', 'security', 'Jan Maier'),
    (4, 'Clear Signal AV', 'audio_visual', 'Dana Cole'),
    (5, 'Night Watch Ltd', 'security', 'Faye Marsh'),
    (6, 'Bergküche', 'catering', 'Lena Huber'),
    (7, 'Frame & Focus', 'photography', 'Mo Adler'),
    (8, 'Paper Mill Press', 'printing', 'Kit Shaw'),
    (9, 'Blumen Vogt', 'decoration', 'Eva Vogt')
) as v (n, name, category, contact);
