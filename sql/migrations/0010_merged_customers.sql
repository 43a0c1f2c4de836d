-- Customers who were two until their records were merged.

create table segmentation.merged_customers (
    customer_id  {key_type} not null,
    former_id    {key_type} primary key,
    merged_at    timestamptz not null default now()
);
create index on segmentation.merged_customers (customer_id);
alter table segmentation.merged_customers alter column customer_id set statistics 0;
alter table segmentation.merged_customers alter column former_id set statistics 0;
comment on table segmentation.merged_customers is 'One row per key whose record was merged into that of another customer, and whose own history ended. Forgetting the customer forgets the former key too.';
comment on column segmentation.merged_customers.customer_id is 'The customer.';
comment on column segmentation.merged_customers.former_id is 'The key that is no more.';
comment on column segmentation.merged_customers.merged_at is 'When it was said.';
