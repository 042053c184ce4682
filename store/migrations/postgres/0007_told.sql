-- Of what passed there are many, of what else happened few: these are counted by person without a look at the others.
CREATE INDEX exchanges_told ON exchanges (seq, outcome, client, subject) WHERE outcome <> 0;
