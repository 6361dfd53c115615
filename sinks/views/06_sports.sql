-- Sports: money per day, and one row per leg of a bet.
--
-- What counts, whatever the case of the words: type bet takes a stake, settlement (cash-outs too)
-- pays out; status rollback takes the amount back; requested, pending, rejected, declined, cancelled
-- and failed move no money; any other status counts. The first occurrence of an activity counts; a
-- later status under the same activity_id is a conflict, kept in fasttrack.conflicts.

-- step: sports_daily
CREATE OR REPLACE VIEW fasttrack.sports_daily /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    day Date32 COMMENT 'UTC day of timestamp: of the bet for stakes, of the settlement for payouts',
    currency LowCardinality(String) COMMENT 'Currency of all amounts of the row',
    gross_stakes Decimal(76, 18) COMMENT 'Stakes of bets that count',
    rollback_stakes Decimal(76, 18) COMMENT 'Stakes of bets rolled back',
    stakes Decimal(76, 18) COMMENT 'Stakes that stand; equals gross_stakes - rollback_stakes',
    gross_payouts Decimal(76, 18) COMMENT 'Payouts of settlements that count',
    rollback_payouts Decimal(76, 18) COMMENT 'Payouts of settlements rolled back',
    payouts Decimal(76, 18) COMMENT 'Payouts that stand; equals gross_payouts - rollback_payouts',
    margin Decimal(76, 18) COMMENT 'Stakes less payouts; equals stakes - payouts',
    gross_bonus_stakes Decimal(76, 18) COMMENT 'Part of gross_stakes that was bonus money',
    rollback_bonus_stakes Decimal(76, 18) COMMENT 'Part of rollback_stakes that was bonus money',
    bonus_stakes Decimal(76, 18) COMMENT 'Bonus money bet; equals gross_bonus_stakes - rollback_bonus_stakes',
    bets UInt64 COMMENT 'Bets counted in stakes, not rolled back',
    settlements UInt64 COMMENT 'Settlements counted in payouts, not rolled back',
    cashouts UInt64 COMMENT 'Settlements of bets the player cashed out',
    rollbacks UInt64 COMMENT 'Bets and settlements rolled back',
    players UInt64 COMMENT 'Different players with a bet counted in stakes',
    events UInt64 COMMENT 'All bets, settlements and others behind the row',
    uncounted UInt64 COMMENT 'Events of another type or a status that moves no money; equals events - bets - settlements - rollbacks'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    lower(type) = 'bet' AS is_bet,
    lower(type) IN ('settlement', 'cashout') AS is_settlement,
    lower(status) = 'rollback' AS is_rollback,
    NOT is_rollback AND lower(status) NOT IN (
        'requested', 'pending', 'rejected', 'declined', 'cancelled', 'canceled', 'failed'
    ) AS moves_money
SELECT
    tenant,
    toDate32(timestamp) AS day,
    currency,
    sumIf(amount, is_bet AND moves_money) AS gross_stakes,
    sumIf(amount, is_bet AND is_rollback) AS rollback_stakes,
    gross_stakes - rollback_stakes AS stakes,
    sumIf(amount, is_settlement AND moves_money) AS gross_payouts,
    sumIf(amount, is_settlement AND is_rollback) AS rollback_payouts,
    gross_payouts - rollback_payouts AS payouts,
    stakes - payouts AS margin,
    sumIf(bonus_wager_amount, is_bet AND moves_money) AS gross_bonus_stakes,
    sumIf(bonus_wager_amount, is_bet AND is_rollback) AS rollback_bonus_stakes,
    gross_bonus_stakes - rollback_bonus_stakes AS bonus_stakes,
    countIf(is_bet AND moves_money) AS bets,
    countIf(is_settlement AND moves_money) AS settlements,
    countIf(is_settlement AND moves_money AND is_cashout) AS cashouts,
    countIf((is_bet OR is_settlement) AND is_rollback) AS rollbacks,
    uniqExactIf(user_id, is_bet AND moves_money) AS players,
    count() AS events,
    events - bets - settlements - rollbacks AS uncounted
FROM fasttrack.sports_bet
GROUP BY tenant, day, currency
COMMENT 'Sports stakes, payouts and margin per tenant, day and currency';

-- Legs were read when their bet was stored; nothing is read from JSON here. Rows that an older version
-- stored appear once `railhead migrate` has filled their columns (sinks/fill.py).
-- step: sports_bet_legs
CREATE OR REPLACE VIEW fasttrack.sports_bet_legs /*on cluster*/
(
    tenant LowCardinality(String) COMMENT 'Casino brand',
    timestamp DateTime64(9, 'UTC') COMMENT 'When the slip was placed or settled, in UTC',
    user_id String COMMENT 'The player',
    activity_id String COMMENT 'The slip: activity_id in sports_bet',
    leg UInt32 COMMENT 'Number of the leg in its slip, from 1',
    sports_name String COMMENT 'Sport, as sent',
    tournament_name String COMMENT 'Tournament, as sent',
    event_name Nullable(String) COMMENT 'Match or event, if sent',
    market Nullable(String) COMMENT 'Market, if sent',
    odds Decimal(76, 18) COMMENT 'Odds of the leg, exact',
    match_start Nullable(DateTime64(9, 'UTC')) COMMENT 'Start of the match, in UTC, if sent',
    is_live Bool COMMENT 'Whether it was placed while the match was on',
    is_free_bet Bool COMMENT 'Whether it was a free bet',
    is_risk_free_bet Bool COMMENT 'Whether it was a risk-free bet',
    outcomes String COMMENT 'Outcomes chosen, as the JSON that was sent; empty if not sent',
    meta String COMMENT 'Further details, as the JSON that was sent; empty if not sent',
    type LowCardinality(String) COMMENT 'Of the slip: Bet or Settlement, as sent',
    status LowCardinality(String) COMMENT 'Of the slip: status, as sent',
    bet_type LowCardinality(String) COMMENT 'Of the slip: Single, Multi or System',
    legs UInt32 COMMENT 'Legs of the slip',
    slip_amount Decimal(76, 18) COMMENT 'Amount of the whole slip; repeated on each leg, so never summed over legs',
    currency LowCardinality(String) COMMENT 'Currency of slip_amount',
    received_at DateTime64(3, 'UTC') COMMENT 'When Railhead received it, in UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    tenant,
    timestamp,
    user_id,
    activity_id,
    leg,
    sports_name,
    tournament_name,
    event_name,
    market,
    odds,
    match_start,
    is_live,
    is_free_bet,
    is_risk_free_bet,
    ifNull(chosen, '') AS outcomes,
    ifNull(details, '') AS meta,
    type,
    status,
    bet_type,
    toUInt32(length(_bets_odds)) AS legs,
    amount AS slip_amount,
    currency,
    received_at
FROM fasttrack_store.sports_bet FINAL
ARRAY JOIN
    arrayEnumerate(_bets_odds) AS leg,
    _bets_sports_name AS sports_name,
    _bets_tournament_name AS tournament_name,
    _bets_event_name AS event_name,
    _bets_market AS market,
    _bets_odds AS odds,
    _bets_match_start AS match_start,
    _bets_is_live AS is_live,
    _bets_is_free_bet AS is_free_bet,
    _bets_is_risk_free_bet AS is_risk_free_bet,
    _bets_outcomes AS chosen,
    _bets_meta AS details
COMMENT 'One row per leg of a sports bet, so that sports, tournaments and markets can be grouped';
