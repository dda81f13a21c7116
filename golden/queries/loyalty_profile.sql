-- Loyalty profile with the person who did it: one row per loyalty record.
--
-- reads   cdp_unification enriched_loyalty_profile   staged rows plus the person's id
-- writes  golden loyalty_profile, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    customer_id,
    email,
    secondary_email,
    phone_number,
    first_name,
    last_name,
    address,
    city,
    state,
    postal_code,
    country,
    gender,
    date_of_birth,
    membership_status,
    membership_tier,
    current_membership_level_expiration,
    store_id,
    store_address,
    store_city,
    created_at,
    updated_at,
    wishlist_item,
    net_redeemable_balance,
    net_debits,
    membership_points_earned,
    membership_points_balance,
    membership_points_pending,
    total_loyalty_purchases,

    -- as staging cleaned it
    trfmd_customer_id,
    trfmd_email,
    valid_email_flag,
    trfmd_secondary_email,
    trfmd_phone_number,
    trfmd_first_name,
    trfmd_last_name,
    trfmd_full_name,
    trfmd_address,
    trfmd_city,
    trfmd_state,
    trfmd_postal_code,
    trfmd_country,
    trfmd_gender,
    trfmd_date_of_birth,
    trfmd_date_of_birth_unix,
    trfmd_age,
    trfmd_membership_status,
    trfmd_membership_tier,
    trfmd_created_at,
    trfmd_created_at_unix,
    trfmd_updated_at,
    trfmd_updated_at_unix,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_loyalty_profile
