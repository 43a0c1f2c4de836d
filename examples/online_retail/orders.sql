-- Customers from orders by a view of one's own, with the columns that the models here cluster by: recency, frequency and
-- monetary value. examples/orders declares the same and more. The contract wants one row a customer; a table
-- of orders has one an order, and all rows of a key are rejected as duplicate_key.
create view public.rfm_customers as
select
    customer_id,
    current_date - max(ordered_at)::date as recency_days,
    count(*) as frequency,
    sum(amount)::double precision as monetary
from public.orders
where customer_id is not null and amount > 0
group by customer_id;
