package inspect

var detectorRules []Rule
