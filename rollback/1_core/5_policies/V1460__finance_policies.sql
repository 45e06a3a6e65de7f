delete from app_private.table_policies
where table_name in (
    'budgets', 'expenses', 'financial_periods'
);

drop policy financial_periods_service on public.financial_periods;
drop policy financial_periods_delete on public.financial_periods;
drop policy financial_periods_update on public.financial_periods;
drop policy financial_periods_insert on public.financial_periods;
drop policy financial_periods_select on public.financial_periods;
revoke all on table public.financial_periods from anon, authenticated, service_role;

drop policy expenses_service on public.expenses;
drop policy expenses_delete on public.expenses;
drop policy expenses_update on public.expenses;
drop policy expenses_insert on public.expenses;
drop policy expenses_select on public.expenses;
revoke all on table public.expenses from anon, authenticated, service_role;

drop policy budgets_service on public.budgets;
drop policy budgets_delete on public.budgets;
drop policy budgets_update on public.budgets;
drop policy budgets_insert on public.budgets;
drop policy budgets_select on public.budgets;
revoke all on table public.budgets from anon, authenticated, service_role;
