-- Casino money per day. Sums are exact (no sum of stored amounts can overflow Decimal(76, 18)), per
-- currency, and by the UTC day of the event's own timestamp. Date32, as events may be dated 2262.
-- A column whose comment says "equals" can be derived from the others of its row.

-- step: ggr_daily
CREATE OR REPLACE VIEW fasttrack.ggr_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp',
    game_id String COMMENT 'The game',
    currency LowCardinality(String) COMMENT 'Currency of all amounts of the row',
    bets Decimal(76, 18) COMMENT 'Stakes taken: sum of type bet',
    rollbackbets Decimal(76, 18) COMMENT 'Stakes given back: sum of type rollbackbet',
    wins Decimal(76, 18) COMMENT 'Wins paid: sum of type win',
    rollbackwins Decimal(76, 18) COMMENT 'Wins taken back: sum of type rollbackwin',
    ggr Decimal(76, 18) COMMENT 'Gross gaming revenue; equals (bets - rollbackbets) - (wins - rollbackwins)',
    gross_bonus_bets Decimal(76, 18) COMMENT 'Part of bets that was bonus money',
    rollback_bonus_bets Decimal(76, 18) COMMENT 'Part of rollbackbets that was bonus money',
    bonus_bets Decimal(76, 18) COMMENT 'Bonus money bet; equals gross_bonus_bets - rollback_bonus_bets',
    rounds UInt64 COMMENT 'Different round_id',
    players UInt64 COMMENT 'Different user_id',
    events UInt64 COMMENT 'Casino events behind the row, type loss included'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant,
    toDate32(timestamp) AS day,
    game_id,
    currency,
    sumIf(amount, type = 'bet') AS bets,
    sumIf(amount, type = 'rollbackbet') AS rollbackbets,
    sumIf(amount, type = 'win') AS wins,
    sumIf(amount, type = 'rollbackwin') AS rollbackwins,
    (bets - rollbackbets) - (wins - rollbackwins) AS ggr,
    sumIf(bonus_wager_amount, type = 'bet') AS gross_bonus_bets,
    sumIf(bonus_wager_amount, type = 'rollbackbet') AS rollback_bonus_bets,
    gross_bonus_bets - rollback_bonus_bets AS bonus_bets,
    uniqExact(round_id) AS rounds,
    uniqExact(user_id) AS players,
    count() AS events
FROM fasttrack.casino
GROUP BY tenant, day, game_id, currency
COMMENT 'Gross gaming revenue per tenant, day, game and currency from casino events. Game rounds are not in it: an operator may send a round both ways, and it would count twice; see ggr_gameround_daily';

-- step: ggr_gameround_daily
CREATE OR REPLACE VIEW fasttrack.ggr_gameround_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp',
    game_id String COMMENT 'The game',
    currency LowCardinality(String) COMMENT 'user_currency: currency of all amounts of the row',
    bets Decimal(76, 18) COMMENT 'Stakes taken: sum of total_bet_user',
    wins Decimal(76, 18) COMMENT 'Wins paid: sum of total_win_user',
    ggr Decimal(76, 18) COMMENT 'Gross gaming revenue; equals bets - wins',
    bonus_bets Decimal(76, 18) COMMENT 'Bonus money bet: sum of bonus_bet_user',
    bonus_wins Decimal(76, 18) COMMENT 'Bonus money won: sum of bonus_win_user',
    rounds UInt64 COMMENT 'Game rounds; one event is one round',
    players UInt64 COMMENT 'Different user_id'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant,
    toDate32(timestamp) AS day,
    game_id,
    user_currency AS currency,
    sum(total_bet_user) AS bets,
    sum(total_win_user) AS wins,
    bets - wins AS ggr,
    sum(bonus_bet_user) AS bonus_bets,
    sum(bonus_win_user) AS bonus_wins,
    count() AS rounds,
    uniqExact(user_id) AS players
FROM fasttrack.gameround
GROUP BY tenant, day, game_id, currency
COMMENT 'Gross gaming revenue per tenant, day, game and currency from game rounds, for operators who send whole rounds. Add it to ggr_daily only if no round is sent both ways';
