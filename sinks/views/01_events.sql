-- The event types as analysts see them: one row per idempotency id, the first occurrence.
--
-- Amounts are stored as Decimal(38, 18) and shown as Decimal(76, 18): the engine does not check
-- products, quotients and sums of Decimal(38, 18) for overflow, and those of amounts fit the wider
-- type. Tools limited to 38 digits: docs/analysts.md.
-- The views say FINAL, so their readers need not; a reader who says it too changes nothing.
-- SQL SECURITY DEFINER: reading them needs no right on fasttrack_store. Views hold no data and are
-- replaced by every `railhead migrate`; sinks/steps.py reads these files.

-- step: casino
CREATE OR REPLACE VIEW fasttrack.casino /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    unique_id String COMMENT 'Idempotency id of the event',
    game_id String COMMENT 'The game',
    round_id String COMMENT 'The game round the event belongs to',
    type LowCardinality(String) COMMENT 'bet takes the stake, win pays, rollbackbet gives a stake back, rollbackwin takes a win back, loss moves no money',
    amount Decimal(76, 18) COMMENT 'Amount moved, exact, in currency',
    currency LowCardinality(String) COMMENT 'ISO 4217 or crypto currency code of amount',
    bonus_wager_amount Decimal(76, 18) COMMENT 'Part of the stake paid from bonus money, in currency',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, unique_id, game_id, round_id, type,
    amount, currency, bonus_wager_amount, tenant, received_at, stored_at
FROM fasttrack_store.casino FINAL
COMMENT 'realtime-casino: bets and wins, sent as separate events; one row per id';

-- step: payment
CREATE OR REPLACE VIEW fasttrack.payment /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    payment_id String COMMENT 'Idempotency id of the payment',
    type LowCardinality(String) COMMENT 'credit is a deposit, debit a withdrawal',
    status LowCardinality(String) COMMENT 'State of the payment when it was first told, as sent',
    amount Decimal(76, 18) COMMENT 'Amount, exact, in currency',
    currency LowCardinality(String) COMMENT 'ISO 4217 or crypto currency code of amount',
    base_amount Decimal(76, 18) COMMENT 'Amount in the operator base currency; 0 if not told',
    vendor_name LowCardinality(String) COMMENT 'Payment method or provider',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, payment_id, type, status, amount,
    currency, base_amount, vendor_name, tenant, received_at, stored_at
FROM fasttrack_store.payment FINAL
COMMENT 'realtime-payment: deposits and withdrawals; one row per id';

-- step: registration
CREATE OR REPLACE VIEW fasttrack.registration /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    unique_id String COMMENT 'Idempotency id of the event',
    username String COMMENT 'User name of the player',
    registration_date DateTime64(9, 'UTC') COMMENT 'When the player registered, in UTC',
    country LowCardinality(String) COMMENT 'Country of the player, as sent',
    currency LowCardinality(String) COMMENT 'Currency of the account',
    gender LowCardinality(Nullable(String)) COMMENT 'Gender, as sent; NULL if the operator sent null',
    consent_email Nullable(Bool) COMMENT 'Whether the player agreed to e-mail; NULL if the operator sent null',
    segmentation_isPromoBanned Nullable(Bool) COMMENT 'Whether promotions are barred for the player, if told',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, unique_id, username,
    registration_date, country, currency, gender, consent_email, segmentation_isPromoBanned,
    tenant, received_at, stored_at
FROM fasttrack_store.registration FINAL
COMMENT 'realtime-registration: player registration and account updates; one row per id';

-- step: gameround
CREATE OR REPLACE VIEW fasttrack.gameround /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    unique_id String COMMENT 'Idempotency id of the event, and the id of the round',
    game_id String COMMENT 'The game',
    user_currency LowCardinality(String) COMMENT 'ISO 4217 or crypto currency code of the amounts that end in _user',
    meta_reporting_currency LowCardinality(Nullable(String)) COMMENT 'ISO 4217 code of the reporting currency, if told',
    bonus_bet_user Decimal(76, 18) COMMENT 'Part of the bet paid from bonus money, in user_currency',
    total_bet_user Decimal(76, 18) COMMENT 'The whole bet, in user_currency',
    total_bet_base Decimal(76, 18) COMMENT 'The whole bet in the operator base currency; 0 if not told',
    bonus_win_user Decimal(76, 18) COMMENT 'Part of the win paid as bonus money, in user_currency',
    total_win_user Decimal(76, 18) COMMENT 'The whole win, in user_currency',
    total_win_base Decimal(76, 18) COMMENT 'The whole win in the operator base currency; 0 if not told',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, unique_id, game_id, user_currency,
    meta_reporting_currency, bonus_bet_user, total_bet_user, total_bet_base, bonus_win_user,
    total_win_user, total_win_base, tenant, received_at, stored_at
FROM fasttrack_store.gameround FINAL
COMMENT 'realtime-gameround: a bet and possibly its win, sent as one event per round; one row per id';

-- step: sports_bet
CREATE OR REPLACE VIEW fasttrack.sports_bet /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    activity_id String COMMENT 'Idempotency id of the bet or settlement',
    activity_id_reference String COMMENT 'For a settlement the activity_id of its bet',
    amount Decimal(76, 18) COMMENT 'Stake of a bet or payout of a settlement, exact, in currency',
    bet_type LowCardinality(String) COMMENT 'Single, Multi or System',
    odds Nullable(Decimal(76, 18)) COMMENT 'Odds, if told',
    total_odds Nullable(Decimal(76, 18)) COMMENT 'Odds of the whole slip, if told',
    bets Nullable(String) COMMENT 'The legs as the JSON array that was sent; one row per leg in sports_bet_legs',
    bonus_wager_amount Decimal(76, 18) COMMENT 'Part of the stake paid from bonus money, in currency',
    currency LowCardinality(String) COMMENT 'ISO 4217 or crypto currency code of amount',
    is_cashout Bool COMMENT 'Whether the player cashed out before the end',
    status LowCardinality(String) COMMENT 'State when first told, as sent: Approved, Rollback, ...',
    type LowCardinality(String) COMMENT 'Bet or Settlement, as sent',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, activity_id, activity_id_reference,
    amount, bet_type, odds, total_odds, bets, bonus_wager_amount, currency, is_cashout, status,
    type, tenant, received_at, stored_at
FROM fasttrack_store.sports_bet FINAL
COMMENT 'realtime-sports-bet: sports bets and their settlements; one row per id';

-- step: login
CREATE OR REPLACE VIEW fasttrack.login /*on cluster*/
(
    user_id String COMMENT 'The player, as the operator numbers them',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    entry_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator entered it, in UTC, if told',
    process_timestamp Nullable(DateTime64(9, 'UTC')) COMMENT 'When the operator processed it, in UTC, if told',
    unique_id String COMMENT 'Idempotency id of the event',
    tenant LowCardinality(String) COMMENT 'Casino brand the event belongs to, told by the key it was sent with',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC',
    stored_at DateTime64(3, 'UTC') COMMENT 'When the row was stored, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    user_id, timestamp, entry_timestamp, process_timestamp, unique_id, tenant, received_at,
    stored_at
FROM fasttrack_store.login FINAL
COMMENT 'realtime-login: player logins; one row per id';
