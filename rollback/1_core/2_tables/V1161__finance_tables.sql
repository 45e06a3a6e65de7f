-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.financial_periods;
drop table public.expenses;
drop table public.budgets;
