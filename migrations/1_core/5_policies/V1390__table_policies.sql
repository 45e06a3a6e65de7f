-- What the policies of the following files are meant to say, in words that a test or an
-- operator can compare with what they do say. Nothing decides by this table: it is the
-- other half of the check. Each policies file adds its tables' rows at its end.

create table app_private.table_policies (
    table_name text not null
        check (table_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    kind text not null
        check (kind in ('M', 'F', 'O', 'B', 'P', 'S', 'R', 'X')),
    member_select text[] not null,
    member_insert text[] not null,
    member_update text[] not null,
    member_delete text[] not null,
    own_commands text[] not null,
    constraint table_policies_pkey primary key (table_name),
    constraint table_policies_roles_check check (
        member_select || member_insert || member_update || member_delete
            <@ array['owner', 'admin', 'manager', 'finance', 'staff', 'member']
    ),
    constraint table_policies_commands_check
        check (own_commands <@ array['select', 'insert', 'update', 'delete']),
    -- Nobody writes what the server alone writes, or what is the same for all.
    constraint table_policies_writers_check check (
        case
            when kind in ('S', 'R', 'X') then
                member_insert || member_update || member_delete || own_commands = '{}'
            else true
        end
        and (kind not in ('R', 'X') or member_select = '{}')
        and (kind not in ('O', 'B') or 'select' = any (own_commands))
    )
);

revoke all on table app_private.table_policies from public, anon, authenticated, service_role;

comment on table app_private.table_policies is
    'The intended access to each table of schema public; tests compare it with the policies and grants in force. For the owner.';
comment on column app_private.table_policies.kind is
    'M members read, some roles write; F roles that handle money; O the caller''s own row; B the buyer''s rows, else as M; P anyone reads what is published, else as M; S members read, the server writes; R everyone reads; X the server only.';
comment on column app_private.table_policies.member_select is
    'Roles of a tenant''s active members that read its rows. On profiles, which have no tenant: of those one shares a tenant with.';
comment on column app_private.table_policies.member_insert is
    'Roles that insert rows of their tenant. A grant may leave out columns, and a policy may refuse some rows: the file says which.';
comment on column app_private.table_policies.member_update is
    'Roles that update rows of their tenant.';
comment on column app_private.table_policies.member_delete is
    'Roles that delete rows of their tenant.';
comment on column app_private.table_policies.own_commands is
    'What an account may do with rows that are its own, by user or by e-mail address, whatever its role; where the row belongs to members only, while it is one.';
