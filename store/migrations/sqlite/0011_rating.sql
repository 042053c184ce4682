-- How the client was rated: 0 not, else its place in exchange.Ratings. What is there already has 0. A chart of a rating reads the index alone.
ALTER TABLE exchanges ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
CREATE INDEX exchanges_rating ON exchanges (rating, seq, outcome, status) WHERE rating <> 0;
