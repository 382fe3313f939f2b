package api

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecimalsAreExactAndNoMoreThanThereAre(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0", 1: "0.001", 10: "0.01", 100: "0.1", 12_000: "12", 12_500: "12.5", 12_345: "12.345",
		-1: "-0.001", -12_500: "-12.5", 1_000_000_000_000: "1000000000", 9_007_199_254_740_993: "9007199254740.993",
	} {
		if got := marshal(t, seconds(ms)); got != want {
			t.Errorf("%d ms is %s, not %s", ms, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 1: "0.0001", 9_000: "0.9", 10_000: "1", -4_000: "-0.4", -1: "-0.0001"} {
		if got := marshal(t, rate(n)); got != want {
			t.Errorf("%d ten-thousandths are %s, not %s", n, got, want)
		}
	}
}

func TestDecimalReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		places := rapid.IntRange(1, 6).Draw(t, "places")
		got, ok := new(big.Rat).SetString(string(decimal(n, places)))
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
		if want := new(big.Rat).SetFrac(big.NewInt(n), scale); !ok || got.Cmp(want) != 0 {
			t.Errorf("decimal(%d, %d) = %s", n, places, decimal(n, places))
		}
	})
}

func TestChangeIsRoundedHalfUp(t *testing.T) {
	for _, c := range []struct {
		count, base int64
		want        string
	}{
		{120, 200, "-0.4"},
		{200, 200, "0"},
		{0, 7, "-1"},
		{1, 3, "-0.6667"},
		{2, 3, "-0.3333"},
		{4, 3, "0.3333"},
		{5, 3, "0.6667"},
		{20_001, 20_000, "0.0001"},  // 0.00005 is a half: up
		{19_999, 20_000, "0"},       // -0.00005 is a half: up
		{19_997, 20_000, "-0.0001"}, // -0.00015 is a half: up
		{1_000_000_000, 1, "999999999"},
		{5, 0, "null"},
		{0, 0, "null"},
	} {
		if got := marshal(t, change(c.count, c.base)); got != c.want {
			t.Errorf("change(%d, %d) = %s, not %s", c.count, c.base, got, c.want)
		}
	}
}

func TestNullableIsTheObjectOrNull(t *testing.T) {
	got := marshal(t, []nullable[kpiCount]{{}, present(kpiCount{3})})
	if diff := cmp.Diff(`[null,{"count":3}]`, got); diff != "" {
		t.Error(diff)
	}
}
