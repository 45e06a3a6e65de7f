
on conflict (version) do update set name = excluded.name, checksum = excluded.checksum
