-- Rows that snapshots refer to stay: deleting them would fail. V1191 brings them up to
-- date when it runs again.
delete from public.kpi_definitions d
where d.key in (
        'gross_revenue', 'net_revenue', 'refunds', 'refund_rate', 'orders',
        'avg_order_value', 'tickets_sold', 'sell_through', 'tickets_remaining',
        'revenue_per_event', 'conversion_rate', 'promo_discount_total', 'attendance_rate',
        'no_show_rate', 'check_in_throughput', 'waitlist_size', 'sponsor_revenue',
        'pipeline_value_weighted', 'deal_win_rate', 'campaign_roi', 'email_open_rate', 'nps',
        'tasks_overdue', 'budget_variance', 'ai_cost_per_event'
    )
    and not exists (select from public.kpi_snapshots s where s.kpi_key = d.key);
