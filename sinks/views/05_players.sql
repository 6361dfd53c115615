-- Players: how many were active on a day, and what one of them did.

-- step: active_players_daily
CREATE OR REPLACE VIEW fasttrack.active_players_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp',
    players UInt64 COMMENT 'Different players with a casino event, game round, sports bet, payment or login',
    casino_players UInt64 COMMENT 'Different players with a casino event or a game round',
    sports_players UInt64 COMMENT 'Different players with a sports bet or settlement',
    paying_players UInt64 COMMENT 'Different players with a payment, whatever its status',
    logged_in_players UInt64 COMMENT 'Different players with a login'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant,
    day,
    uniqExact(user_id) AS players,
    uniqExactIf(user_id, kind = 'casino') AS casino_players,
    uniqExactIf(user_id, kind = 'sports') AS sports_players,
    uniqExactIf(user_id, kind = 'payment') AS paying_players,
    uniqExactIf(user_id, kind = 'login') AS logged_in_players
FROM
(
    SELECT tenant, toDate32(timestamp) AS day, user_id, 'casino' AS kind FROM fasttrack.casino
    UNION ALL
    SELECT tenant, toDate32(timestamp), user_id, 'casino' FROM fasttrack.gameround
    UNION ALL
    SELECT tenant, toDate32(timestamp), user_id, 'sports' FROM fasttrack.sports_bet
    UNION ALL
    SELECT tenant, toDate32(timestamp), user_id, 'payment' FROM fasttrack.payment
    UNION ALL
    SELECT tenant, toDate32(timestamp), user_id, 'login' FROM fasttrack.login
)
GROUP BY tenant, day
COMMENT 'Active players per tenant and day; a registration or account update is no activity';

-- step: player_timeline
CREATE OR REPLACE VIEW fasttrack.player_timeline /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    user_id String COMMENT 'The player; filter by tenant and user_id',
    timestamp DateTime64(9, 'UTC') COMMENT 'When it happened, in UTC',
    event LowCardinality(String) COMMENT 'Event type, such as realtime-casino',
    id String COMMENT 'Idempotency id of the event',
    type LowCardinality(String) COMMENT 'bet, win, credit, ... as sent; empty where the event has none',
    status LowCardinality(String) COMMENT 'Status of a payment or sports bet, as sent; else empty',
    amount Nullable(Decimal(76, 18)) COMMENT 'Amount, exact; of a game round the bet; NULL where the event has none',
    paid Nullable(Decimal(76, 18)) COMMENT 'Win of a game round; else NULL',
    currency LowCardinality(String) COMMENT 'Currency of amount and paid; empty where there is none',
    game_id String COMMENT 'The game of a casino event or game round; else empty',
    reference String COMMENT 'round_id, payment vendor, activity_id_reference or user name',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    tenant, user_id, timestamp, 'realtime-casino' AS event, unique_id AS id, type, '' AS status,
    amount, NULL AS paid, currency, game_id, round_id AS reference, received_at
FROM fasttrack.casino
UNION ALL
SELECT
    tenant, user_id, timestamp, 'realtime-payment', payment_id, type, status,
    amount, NULL, currency, '', vendor_name, received_at
FROM fasttrack.payment
UNION ALL
SELECT
    tenant, user_id, timestamp, 'realtime-registration', unique_id, '', '',
    NULL, NULL, currency, '', username, received_at
FROM fasttrack.registration
UNION ALL
SELECT
    tenant, user_id, timestamp, 'realtime-gameround', unique_id, '', '',
    total_bet_user, total_win_user, user_currency, game_id, unique_id, received_at
FROM fasttrack.gameround
UNION ALL
SELECT
    tenant, user_id, timestamp, 'realtime-sports-bet', activity_id, type, status,
    amount, NULL, currency, '', activity_id_reference, received_at
FROM fasttrack.sports_bet
UNION ALL
SELECT
    tenant, user_id, timestamp, 'realtime-login', unique_id, '', '', NULL, NULL, '', '', '', received_at
FROM fasttrack.login
COMMENT 'Events of all types in one shape, for one player: WHERE tenant = ... AND user_id = ... ORDER BY timestamp';
