-- A schema that the API never exposes: helper functions, audit partitions, and
-- the memory of what this database's migrations had to create themselves.

create schema app_private;

comment on schema app_private is
    'Internals of the event platform. Never exposed through the API.';

revoke all on schema app_private from public;

-- Roles are cluster-wide and extensions may be shared, so "it exists" does not
-- mean "we made it". Only what is listed here may be dropped by a rollback, and
-- only while the object still has the OID it had when it was made: a restored
-- dump or a role made again by somebody else does not match.
create table app_private.provisioned (
    kind text not null
        check (kind in ('role', 'schema', 'extension', 'relation', 'function', 'usage')),
    name text not null
        check (name <> ''),
    object_oid oid not null,
    created_by oid not null,
    created_at timestamptz not null default now(),
    constraint provisioned_pkey primary key (kind, name)
);

revoke all on table app_private.provisioned from public;

comment on table app_private.provisioned is
    'Objects outside the platform''s own schemas that its migrations created because they were absent; a rollback drops these and nothing else.';
comment on column app_private.provisioned.name is
    'The object''s name; for kind usage it is schema/role: the right to use that schema was granted here.';
comment on column app_private.provisioned.object_oid is
    'The object''s OID at creation: a different one today means that the object is not ours any more.';
comment on column app_private.provisioned.created_by is
    'OID of the role that ran the migration; PostgreSQL 16 makes it a member of each role it creates.';
