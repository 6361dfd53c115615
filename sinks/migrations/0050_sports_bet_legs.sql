-- The legs of a bet in columns of their own, as the check read them: lists of one length in a row.
-- Rows stored before have `_bets_read` 0 until `railhead migrate` has filled them (sinks/fill.py).

-- step: columns
ALTER TABLE fasttrack_store.sports_bet /*on cluster*/
    ADD COLUMN IF NOT EXISTS _bets_read UInt8 DEFAULT 0
        COMMENT 'Whether the legs in bets were read into the columns of legs: 0 not yet, 1 yes, 2 bets is no list of legs' AFTER bets,
    ADD COLUMN IF NOT EXISTS _bets_is_free_bet Array(Bool)
        COMMENT 'Of each leg: whether it was a free bet' AFTER _bets_read,
    ADD COLUMN IF NOT EXISTS _bets_is_risk_free_bet Array(Bool)
        COMMENT 'Of each leg: whether it was a risk-free bet' AFTER _bets_is_free_bet,
    ADD COLUMN IF NOT EXISTS _bets_is_live Array(Bool)
        COMMENT 'Of each leg: whether it was placed while the match was on' AFTER _bets_is_risk_free_bet,
    ADD COLUMN IF NOT EXISTS _bets_tournament_name Array(String)
        COMMENT 'Of each leg: tournament, as sent' AFTER _bets_is_live,
    ADD COLUMN IF NOT EXISTS _bets_sports_name Array(String)
        COMMENT 'Of each leg: sport, as sent' AFTER _bets_tournament_name,
    ADD COLUMN IF NOT EXISTS _bets_odds Array(Decimal(38, 18))
        COMMENT 'Of each leg: odds' AFTER _bets_sports_name,
    ADD COLUMN IF NOT EXISTS _bets_event_name Array(Nullable(String))
        COMMENT 'Of each leg: match or event, if told' AFTER _bets_odds,
    ADD COLUMN IF NOT EXISTS _bets_market Array(Nullable(String))
        COMMENT 'Of each leg: market, if told' AFTER _bets_event_name,
    ADD COLUMN IF NOT EXISTS _bets_match_start Array(Nullable(DateTime64(9, 'UTC')))
        COMMENT 'Of each leg: start of the match, in UTC, if told' AFTER _bets_market,
    ADD COLUMN IF NOT EXISTS _bets_outcomes Array(Nullable(String))
        COMMENT 'Of each leg: outcomes chosen, as the JSON that was sent, if told' AFTER _bets_match_start,
    ADD COLUMN IF NOT EXISTS _bets_meta Array(Nullable(String))
        COMMENT 'Of each leg: further details, as the JSON that was sent, if told' AFTER _bets_outcomes
