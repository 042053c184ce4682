package gateway

import (
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/protect"
)

// conceal masks what stands in a stranger's text, and bounds it: in this order, or half a card number would be left.
func conceal(text string, n int) string { return clip(protect.Conceal(text), n) }

// concealFields masks names of members and parameters: a map by card number must not fill the log with card numbers. The
// client, whose fields they are, is shown them as they came.
func concealFields(list []exchange.Field) []exchange.Field {
	list = first(list, maxFields)
	for i := range list {
		param, pointer := protect.Conceal(list[i].Param), protect.Conceal(list[i].Pointer)
		if param == list[i].Param && pointer == list[i].Pointer {
			continue
		}
		masked := append([]exchange.Field{}, list...)
		for j := i; j < len(masked); j++ {
			masked[j].Param, masked[j].Pointer = protect.Conceal(masked[j].Param), protect.Conceal(masked[j].Pointer)
		}
		return masked
	}
	return list
}

// concealFindings likewise; the findings are the exchange's own and end with it.
func concealFindings(list []exchange.Finding) []exchange.Finding {
	list = first(list, maxFindings)
	for i := range list {
		list[i].Field = conceal(list[i].Field, maxPath)
	}
	return list
}
