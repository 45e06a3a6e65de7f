//! What is loaded, in the order in which foreign keys allow it.

/// One table that is filled in bulk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// `public.organizations`
    Organizations,
    /// `auth.users`
    Users,
    /// `public.profiles`
    Profiles,
    /// `public.organization_members`
    Members,
    /// `public.events`
    Events,
    /// `public.ticket_categories`
    Categories,
    /// `public.orders`
    Orders,
    /// `public.payments`
    Payments,
    /// `public.refunds`
    Refunds,
    /// `public.order_items`
    Items,
    /// `public.attendees`
    Attendees,
    /// `public.tickets`
    Tickets,
}

impl Table {
    /// All of them, parents first.
    pub const ALL: [Self; 12] = [
        Self::Organizations,
        Self::Users,
        Self::Profiles,
        Self::Members,
        Self::Events,
        Self::Categories,
        Self::Orders,
        Self::Payments,
        Self::Refunds,
        Self::Items,
        Self::Attendees,
        Self::Tickets,
    ];

    /// Returns schema and name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organizations => "public.organizations",
            Self::Users => "auth.users",
            Self::Profiles => "public.profiles",
            Self::Members => "public.organization_members",
            Self::Events => "public.events",
            Self::Categories => "public.ticket_categories",
            Self::Orders => "public.orders",
            Self::Payments => "public.payments",
            Self::Refunds => "public.refunds",
            Self::Items => "public.order_items",
            Self::Attendees => "public.attendees",
            Self::Tickets => "public.tickets",
        }
    }

    /// Returns the columns that are written, in the order of the fields.
    pub(super) fn columns(self) -> Vec<&'static str> {
        self.list().split(", ").collect()
    }

    /// The columns as SQL lists them.
    fn list(self) -> &'static str {
        match self {
            Self::Organizations => "id, name, slug, plan, default_currency, timezone, created_at",
            Self::Users => {
                "id, aud, role, email, raw_app_meta_data, raw_user_meta_data, \
                 created_at, updated_at"
            }
            Self::Profiles => "id, full_name, locale, timezone, created_at",
            Self::Members => "organization_id, user_id, role, created_at",
            Self::Events => {
                "id, organization_id, name, slug, start_date, end_date, timezone, \
                 status, visibility, capacity, currency, created_by, created_at"
            }
            Self::Categories => {
                "id, organization_id, event_id, name, price_cents, currency, capacity, \
                 sold, sales_start, sales_end, status, sort_order, created_at"
            }
            Self::Orders => {
                "id, organization_id, event_id, user_id, customer_email, customer_name, \
                 order_status, quantity, subtotal_cents, total_cents, currency, \
                 payment_id, idempotency_key, confirmed_at, cancelled_at, created_at"
            }
            Self::Payments => {
                "id, organization_id, order_id, provider, provider_ref, amount_cents, \
                 currency, status, paid_at, created_at"
            }
            Self::Refunds => {
                "id, organization_id, payment_id, provider_ref, amount_cents, currency, \
                 reason, status, created_at"
            }
            Self::Items => {
                "id, organization_id, order_id, category_id, quantity, unit_price_cents, \
                 created_at"
            }
            Self::Attendees => "id, organization_id, event_id, user_id, name, email, created_at",
            Self::Tickets => {
                "id, organization_id, event_id, order_id, order_item_id, category_id, \
                 attendee_id, ordinal, code, status, voided_at, created_at"
            }
        }
    }
}

/// Columns of Supabase's accounts that its auth server reads as texts: it stumbles over a null.
pub(super) const TOKENS: [&str; 4] = [
    "confirmation_token",
    "recovery_token",
    "email_change_token_new",
    "email_change",
];
