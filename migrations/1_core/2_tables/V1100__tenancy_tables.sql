-- Tenancy: organizations are the tenants; everything else hangs off one.
--
-- House rules for this and the following files:
--   * every tenant table has unique (organization_id, id); children refer to the
--     pair, so that no row can point into another tenant even where row-level
--     security is bypassed (foreign key checks bypass it);
--   * foreign keys name the most selective column first, so that the index behind
--     each of them also serves a look-up by that column alone;
--   * optional parents use NO ACTION: ON DELETE SET NULL would null the tenant too
--     (naming the columns to null needs PostgreSQL 15), and NO ACTION, unlike
--     RESTRICT, lets a whole tenant go in one cascade;
--   * status words are text with a CHECK: a new word is one constraint away, and
--     needs no committed enum value first;
--   * nothing is granted here. Default privileges may hand new tables to the API
--     roles, so each file takes everything away at its end; the policies step
--     grants what is meant.

create table public.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    slug text not null
        check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 63),
    plan text not null default 'free'
        check (plan in ('free', 'pro', 'team', 'enterprise')),
    status text not null default 'active'
        check (status in ('active', 'suspended', 'closed')),
    billing_email extensions.citext
        check (billing_email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(billing_email::text) <= 320),
    default_currency text not null default 'USD'
        check (default_currency ~ '^[A-Z]{3}$'),
    timezone text not null default 'UTC'
        check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$'),
    settings jsonb not null default '{}'
        check (jsonb_typeof(settings) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint organizations_slug_key unique (slug)
);

comment on table public.organizations is
    'The tenants. Their id is the organization_id of every other table.';
comment on column public.organizations.slug is
    'Name in URLs, unique over all tenants.';
comment on column public.organizations.plan is
    'Subscription; changed by billing (service_role), not by members.';
comment on column public.organizations.default_currency is
    'ISO 4217 code that new events start with.';

create table public.profiles (
    id uuid primary key,
    full_name text
        check (btrim(full_name) <> '' and char_length(full_name) <= 200),
    avatar_url text
        check (avatar_url ~ '^https?://' and char_length(avatar_url) <= 2048),
    locale text not null default 'en'
        check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    timezone text not null default 'UTC'
        check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint profiles_user_fkey foreign key (id)
        references auth.users (id) on delete cascade
);

comment on table public.profiles is
    'What the platform knows about a person beyond the account; one row per account, shared by all tenants.';
comment on column public.profiles.id is
    'The account''s id (auth.users).';
comment on column public.profiles.locale is
    'BCP 47 language tag.';

create table public.roles (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid,
    key text not null
        check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    description text
        check (char_length(description) <= 1000),
    permissions jsonb not null default '{}'
        check (jsonb_typeof(permissions) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint roles_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint roles_tenant_key unique (organization_id, id),
    constraint roles_organization_key_key unique (organization_id, key)
);

comment on table public.roles is
    'The built-in roles (organization_id null) and the roles that a tenant defines on top of them.';
comment on column public.roles.organization_id is
    'Null: built-in, the same for every tenant, read-only.';
comment on column public.roles.permissions is
    'Object of area -> list of verbs; for the application. Row-level security goes by organization_members.role.';

create table public.organization_members (
    organization_id uuid not null,
    user_id uuid not null,
    role text not null default 'member'
        check (role in ('owner', 'admin', 'manager', 'finance', 'staff', 'member')),
    role_id uuid,
    status text not null default 'active'
        check (status in ('invited', 'active', 'suspended')),
    title text
        check (char_length(title) <= 100),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint organization_members_pkey primary key (organization_id, user_id),
    constraint organization_members_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint organization_members_user_fkey foreign key (user_id)
        references public.profiles (id) on delete cascade,
    constraint organization_members_role_fkey foreign key (role_id, organization_id)
        references public.roles (id, organization_id)
);

comment on table public.organization_members is
    'Who belongs to which tenant, and as what. The only truth for access: tokens may be stale.';
comment on column public.organization_members.role is
    'Built-in role that row-level security reads: owner > admin > manager; finance sees money; staff works at the door; member reads.';
comment on column public.organization_members.role_id is
    'Optional role of the tenant''s own, which refines the built-in one in the application.';

create table public.organization_invitations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    email extensions.citext not null
        check (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(email::text) <= 320),
    role text not null default 'member'
        check (role in ('owner', 'admin', 'manager', 'finance', 'staff', 'member')),
    token_hash text not null
        check (token_hash ~ '^[0-9a-f]{64}$'),
    status text not null default 'pending'
        check (status in ('pending', 'accepted', 'revoked', 'expired')),
    invited_by uuid,
    expires_at timestamptz not null default now() + interval '7 days',
    accepted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint organization_invitations_tenant_key unique (organization_id, id),
    constraint organization_invitations_token_hash_key unique (token_hash),
    constraint organization_invitations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint organization_invitations_inviter_fkey foreign key (invited_by)
        references public.profiles (id) on delete set null,
    constraint organization_invitations_expiry_check check (expires_at > created_at),
    constraint organization_invitations_accepted_check
        check ((status = 'accepted') = (accepted_at is not null))
);

comment on table public.organization_invitations is
    'Invitations to join a tenant, sent by e-mail.';
comment on column public.organization_invitations.token_hash is
    'SHA-256 of the token in the e-mail, in hex; the token itself is stored nowhere.';

create table public.teams (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    description text
        check (char_length(description) <= 2000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint teams_tenant_key unique (organization_id, id),
    constraint teams_name_key unique (organization_id, name),
    constraint teams_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.teams is
    'Named groups of members within a tenant.';

create table public.team_members (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    is_lead boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint team_members_tenant_key unique (organization_id, id),
    -- The tenant follows from the team; it stands in the key so that one index
    -- serves the uniqueness and the foreign key. The same holds further below.
    constraint team_members_team_user_key unique (team_id, organization_id, user_id),
    constraint team_members_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint team_members_team_fkey foreign key (team_id, organization_id)
        references public.teams (id, organization_id) on delete cascade,
    constraint team_members_member_fkey foreign key (user_id, organization_id)
        references public.organization_members (user_id, organization_id) on delete cascade
);

comment on table public.team_members is
    'Members of a team; leaving the tenant leaves its teams.';

create table public.api_keys (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    prefix text not null
        check (prefix ~ '^[A-Za-z0-9_]{6,16}$'),
    key_hash text not null
        check (key_hash ~ '^[0-9a-f]{64}$'),
    scopes text[] not null default '{}'
        check (array_position(scopes, null) is null),
    created_by uuid,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint api_keys_tenant_key unique (organization_id, id),
    constraint api_keys_prefix_key unique (prefix),
    constraint api_keys_key_hash_key unique (key_hash),
    constraint api_keys_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint api_keys_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null,
    constraint api_keys_expiry_check check (expires_at > created_at)
);

comment on table public.api_keys is
    'Keys for a tenant''s own programs. Server only: members manage them through the API, which shows a key once.';
comment on column public.api_keys.prefix is
    'The key''s first characters, by which people recognise it.';
comment on column public.api_keys.key_hash is
    'SHA-256 of the key, in hex; the key itself is stored nowhere.';

revoke all on table
    public.organizations,
    public.profiles,
    public.roles,
    public.organization_members,
    public.organization_invitations,
    public.teams,
    public.team_members,
    public.api_keys
from public, anon, authenticated, service_role;
