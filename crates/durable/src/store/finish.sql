with item as (
    select *
    from unnest($1::int[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::date[], $8::text[],
                $9::bool[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::numeric[])
        as t (ord, tenant_id, lane_id, epoch, seq, run_id, day, error, dead, text, body, input_tokens, output_tokens,
              cost_usd)
),
locked as (
    select l.tenant_id, l.lane_id, l.claims
    from lane l join item on item.tenant_id = l.tenant_id and item.lane_id = l.lane_id
    where l.epoch = item.epoch and l.owner = $15::uuid
    order by l.tenant_id, l.lane_id
    for no key update of l
),
ended as (
    update lane l
    set owner = null, run_id = null, claims = 0, failures = 0, done_seq = item.seq, touched_at = now(),
        ready_at = case when l.last_seq > item.seq then now() end
    from item join locked using (tenant_id, lane_id)
    where l.tenant_id = item.tenant_id and l.lane_id = item.lane_id and l.epoch = item.epoch
    returning item.*, l.last_seq > item.seq as more, locked.claims
),
runs as (
    update run r
    set status = case when ended.error is null then 'done' else 'failed' end,
        finished_at = clock_timestamp(), error = ended.error, input_tokens = ended.input_tokens,
        output_tokens = ended.output_tokens, cost_usd = ended.cost_usd
    from ended
    where r.tenant_id = ended.tenant_id and r.run_id = ended.run_id and r.day = ended.day
),
letters as (
    insert into dead_letter (tenant_id, letter_id, source, lane_id, seq, message_id, run_id, reason, attempts)
    select tenant_id, gen_random_uuid(), 'run', lane_id, seq, run_id, run_id, coalesce(error, ''), claims
    from ended where dead
),
locked_replies as (
    select o.tenant_id, o.message_id, o.day
    from outbox o join ended on ended.tenant_id = o.tenant_id and ended.run_id = o.message_id and ended.day = o.day
    order by o.tenant_id, o.message_id
    for no key update of o
),
-- Whoever is putting the placeholder up right now keeps the row and goes on with the answer; else it is ours. On a
-- channel of $16 the commit is the delivery.
replies as (
    update outbox o
    set run_id = ended.run_id, text = ended.text, body = ended.body::jsonb, ended = true, next_at = null,
        state = case when o.channel <> all ($16::text[]) then o.state when ended.text is null then 'dropped'
                     else 'confirmed' end,
        confirmed_at = case when o.channel = any ($16::text[]) and ended.text is not null then clock_timestamp() end,
        owner = case when o.channel <> all ($16::text[]) then coalesce(o.owner, $15::uuid) end,
        epoch = case when o.owner is null then o.epoch + 1 else o.epoch end
    from ended join locked_replies l on l.tenant_id = ended.tenant_id and l.message_id = ended.run_id
    where o.tenant_id = ended.tenant_id and o.message_id = ended.run_id and o.day = ended.day
    returning ended.ord, o.owner, o.epoch, o.channel, o.connection_id, o.target, o.provider_id, o.attempts
)
select ended.ord as "ord!", ended.more as "more!", replies.epoch as "epoch?", replies.channel as "channel?",
       replies.connection_id as "connection_id?", replies.target as "target?: serde_json::Value",
       replies.provider_id as "provider_id?", replies.attempts as "attempts?"
from ended left join replies on replies.ord = ended.ord and replies.owner = $15::uuid
