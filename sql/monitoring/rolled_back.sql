-- Returns the models whose champion was brought back by a roll-back: whatever has been refused since, nothing was promoted.
select latest.model
from (
    select distinct on (model) model, decision
    from segmentation.promotions
    where decision in ('promoted', 'rolled_back')
    order by model, promotion_id desc
) as latest
where latest.decision = 'rolled_back'
order by latest.model
