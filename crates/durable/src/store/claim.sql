with want as (
    select * from unnest($1::uuid[], $2::int[]) as t (tenant_id, places)
),
pick as (
    select p.*
    from want
    cross join lateral (
        select l.tenant_id, l.lane_id, l.done_seq
        from lane l
        where l.tenant_id = want.tenant_id and l.ready_at <= now()
        order by l.ready_at
        limit want.places
        for no key update skip locked
    ) p
),
-- A lane whose next message this statement cannot see yet (it was committed meanwhile) is left for the next claim.
next as (
    select pick.tenant_id, pick.lane_id, i.seq, i.day, i.message_id, i.program, i.received_at
    from pick
    cross join lateral (
        select seq, day, message_id, program, received_at from inbox
        where inbox.tenant_id = pick.tenant_id and inbox.lane_id = pick.lane_id and inbox.seq = pick.done_seq + 1
        limit 1
    ) i
),
claimed as (
    update lane l
    set owner = $3::uuid,
        epoch = l.epoch + 1,
        ready_at = null,
        run_id = next.message_id,
        claims = case when l.run_id is null then 1 else l.claims + 1 end,
        failures = case when l.run_id is null then 0 else l.failures end
    from next
    where l.tenant_id = next.tenant_id and l.lane_id = next.lane_id
    returning l.tenant_id, l.lane_id, l.epoch, l.run_id, l.claims, l.failures, next.seq, next.day, next.program,
              next.received_at
),
begun as (
    insert into run as r (tenant_id, run_id, day, lane_id, seq, program)
    select tenant_id, run_id, day, lane_id, seq, program from claimed
    on conflict (tenant_id, run_id, day) do update set status = 'running'
    returning tenant_id, run_id, extract(epoch from now() - started_at)::float8 as age
)
select tenant_id as "tenant_id!", lane_id as "lane_id!", epoch as "epoch!", run_id as "run_id!", claims as "claims!",
       failures as "failures!", seq as "seq!", day as "day!", program as "program!",
       received_at as "received_at!", age as "age!"
from claimed join begun using (tenant_id, run_id)
