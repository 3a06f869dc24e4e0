with item as (
    select *
    from unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::uuid[], $10::text[], $11::uuid[], $12::bool[])
        as t (ord, tenant_id, lane_id, message_id, program, text, body, channel, connection_id, target, project_id,
              sends)
),
key as (
    select * from unnest($13::int[], $14::uuid[], $15::date[], $16::bytea[]) as t (ord, tenant_id, day, key_hash)
),
fresh as (
    insert into inbox_dedup (tenant_id, day, key_hash)
    select tenant_id, day, key_hash from key order by tenant_id, day, key_hash
    on conflict do nothing
    returning tenant_id, day, key_hash
),
seen as (
    select key.ord from key left join fresh using (tenant_id, day, key_hash) where fresh.tenant_id is null
),
new as (
    select * from item where ord not in (select ord from seen)
),
grown as (
    insert into lane as l (tenant_id, lane_id, project_id, ready_at, last_seq)
    select tenant_id, lane_id, (array_agg(project_id))[1], now(), count(*)
    from new group by tenant_id, lane_id order by tenant_id, lane_id
    on conflict (tenant_id, lane_id) do update
        set last_seq = l.last_seq + excluded.last_seq,
            touched_at = now(),
            ready_at = case when l.owner is null then coalesce(l.ready_at, now()) end
    returning tenant_id, lane_id, last_seq
),
placed as (
    select new.*,
           (now() at time zone 'utc')::date as day,
           grown.last_seq - count(*) over lane_of + row_number() over (lane_of order by ord) as seq
    from new join grown using (tenant_id, lane_id)
    window lane_of as (partition by new.tenant_id, new.lane_id)
),
stored as (
    insert into inbox (tenant_id, lane_id, seq, day, message_id, program, text, body)
    select tenant_id, lane_id, seq, day, message_id, program, text, body::jsonb from placed
),
replies as (
    insert into outbox (tenant_id, message_id, day, lane_id, seq, channel, connection_id, target, owner)
    select tenant_id, message_id, day, lane_id, seq, channel, connection_id, target::jsonb,
           case when sends then $17::uuid end
    from placed where channel is not null
)
select ord as "ord!", seq as "seq!", day as "day!" from placed
