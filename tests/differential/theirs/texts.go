package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/kubernetes/pkg/util/parsers"
)

func pick(r *rand.Rand, from ...string) string { return from[r.Intn(len(from))] }

func runOf(r *rand.Rand, letters string, most int) string {
	text := make([]byte, r.Intn(most+1))
	for i := range text {
		text[i] = letters[r.Intn(len(letters))]
	}
	return string(text)
}

// damaged changes one place of one text in eight.
func damaged(r *rand.Rand, text, letters string) string {
	if r.Intn(8) > 0 {
		return text
	}
	at := r.Intn(len(text) + 1)
	switch end := at + r.Intn(2); {
	case end > len(text):
		return text[:at]
	default:
		return text[:at] + runOf(r, letters, 2) + text[end:]
	}
}

// ---- quantities ---------------------------------------------------------------------------------

// Kubernetes keeps 32 bits of an exponent.  Where those say more than this, its own code does not
// come to an end within minutes.
const exponentMax = 60

var exponent = regexp.MustCompile(`[eE]([-+]?[0-9]+)$`)

func takesForever(text string) bool {
	found := exponent.FindStringSubmatch(text)
	if found == nil {
		return false
	}
	parsed, err := strconv.ParseInt(found[1], 10, 64)
	return err == nil && (int32(parsed) > exponentMax || int32(parsed) < -exponentMax)
}

func quantityText(r *rand.Rand) string {
	for {
		if text := anyQuantityText(r); !takesForever(text) {
			return text
		}
	}
}

func anyQuantityText(r *rand.Rand) string {
	digits := pick(r, "0", "00", "1", "5", "9", "10", "100", "128", "1000", "1024", "1500", "999999",
		"9223372036854775807", "9223372036854775808", "", runOf(r, "0123456789", 4),
		runOf(r, "0123456789", 20), runOf(r, "0123456789", 40))
	if r.Intn(3) == 0 {
		digits += "." + pick(r, "", "0", "5", "25", "500", "001", runOf(r, "0123456789", 5),
			runOf(r, "0123456789", 24), runOf(r, "0", 20)+"1")
	}
	suffix := pick(r, "", "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi",
		"Ei", "K", "mi", "ki", "e", "E+", fmt.Sprintf("e%d", r.Intn(60)-30),
		fmt.Sprintf("E%+d", r.Intn(60)-30), fmt.Sprintf("e%d", (r.Int63n(9)-4)<<32+r.Int63n(40)-20))
	return damaged(r, pick(r, "", "", "", "-", "+")+digits+suffix, "0159.eEkKmMiGn+- \u00e9%")
}

// readQuantity is Kubernetes' reading without the spelling that it keeps, and with our cap.
func readQuantity(text string) (resource.Quantity, bool) {
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return quantity, false
	}
	quantity.Neg()
	quantity.Neg() // drops the text that it came from
	cap := resource.MustParse("1e29")
	for range 2 {
		if quantity.Sign() == cap.Sign() && quantity.CmpInt64(0) == cap.Sign() &&
			quantity.Cmp(cap) == cap.Sign() {
			cap.Format = quantity.Format
			quantity = cap
			quantity.Neg()
			quantity.Neg()
		}
		cap.Neg()
	}
	return quantity, true
}

func quantities() kind {
	good, total := 0, 0
	return kind{"quantity", func(r *rand.Rand) question {
		a, b := quantityText(r), quantityText(r)
		return question{map[string]string{"ask": "quantity", "a": a, "b": b}, 1, func(answer []byte) string {
			var ours struct {
				A, B  *string
				Order *int
			}
			if err := json.Unmarshal(answer, &ours); err != nil {
				return err.Error()
			}
			x, isX := readQuantity(a)
			y, isY := readQuantity(b)
			total++
			if isX && isY {
				good++
			}
			return firstOf(oneQuantity(ours.A, x, isX), oneQuantity(ours.B, y, isY), func() string {
				if isX && isY && (ours.Order == nil || x.Cmp(y) != *ours.Order) {
					return fmt.Sprintf("the order is %d", x.Cmp(y))
				}
				return ""
			}())
		}}
	}, func() string { return fmt.Sprintf("%d of %d are two quantities", good, total) }}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

var zettas, minusZettas = resource.MustParse("1e21"), resource.MustParse("-1e21")

func oneQuantity(ours *string, theirs resource.Quantity, valid bool) string {
	if (ours != nil) != valid {
		return fmt.Sprintf("valid: %v", valid)
	}
	// It has no suffix above E, and writes such a quantity without any: "1000E" becomes "1".
	unwritable := theirs.Format == resource.DecimalSI && (theirs.Cmp(zettas) >= 0 || theirs.Cmp(minusZettas) <= 0)
	if valid && !unwritable && theirs.String() != *ours {
		return "it is " + theirs.String()
	}
	return ""
}

// ---- numbers or percentages ---------------------------------------------------------------------

func percentValue(r *rand.Rand) any {
	if r.Intn(3) == 0 {
		return r.Intn(5) * r.Intn(60)
	}
	return damaged(r, pick(r, "0", "00", "1", "25", "025", "100", "150", "2147483648", "9223372036854775807",
		runOf(r, "0123456789", 22))+pick(r, "%", "%", "%", ""), "0 %-+.5e")
}

const floatDigits = 12

// percentOf reads a value as the Deployment's controller does, where validation lets it pass.
func percentOf(value any) (int, bool) {
	text, is := value.(string)
	if !is || len(validation.IsValidPercent(text)) > 0 {
		return 0, false
	}
	either := intstr.FromString(text)
	scaled, err := intstr.GetScaledValueFromIntOrPercent(&either, 100, true)
	if len(text) > floatDigits { // it scales by floats, which have no more; it reads all the same
		scaled, _ = strconv.Atoi(strings.TrimSuffix(text, "%"))
	}
	return scaled, err == nil
}

const incomparable = 2

func orderOf(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func percentOrder(a, b any) int {
	x, isX := percentOf(a)
	y, isY := percentOf(b)
	i, isI := a.(int)
	j, isJ := b.(int)
	switch {
	case isX && isY:
		return orderOf(x, y)
	case isI && isJ:
		return orderOf(i, j)
	case isX && isJ && x == 0 && j == 0, isI && isY && i == 0 && y == 0:
		return 0
	case !isX && !isY && !isI && !isJ && a == b:
		return 0
	}
	return incomparable
}

func percents() kind {
	return kind{"percent", func(r *rand.Rand) question {
		a, b := percentValue(r), percentValue(r)
		return question{map[string]any{"ask": "percent", "a": a, "b": b}, 1, func(answer []byte) string {
			if want := fmt.Sprint(percentOrder(a, b)); strings.TrimSpace(string(answer)) != want {
				return "want " + want
			}
			return ""
		}}
	}, nil}
}

// ---- images -------------------------------------------------------------------------------------

func imageText(r *rand.Rand) string {
	text := pick(r, "", "", "docker.io/", "index.docker.io/", "localhost/", "localhost:5000/", "registry.example/",
		"Registry.example:443/", "[::1]:5000/", "[2001:db8::1]/", "registry/", "REG/", "a_b.c/", "1.2.3.4:5/",
		"-a.b/", "a..b/", "a.b:/", "a-.b/", "library/", runOf(r, "aZ09.-:_[]", 8)+"/")
	for range r.Intn(4) {
		text += pick(r, "a", "lib", "library", "a.b", "a_b", "a__b", "a___b", "a--b", "a-", "A", "a..b", "0", "docker.io",
			runOf(r, "ab9._-", 8), strings.Repeat("a", r.Intn(140))) + "/"
	}
	text += pick(r, "nginx", "nginx", "a", "0a", "app_1", "Nginx", "", strings.Repeat("ab", r.Intn(70)),
		strings.Repeat("0123456789abcdef", 4))
	if r.Intn(2) == 0 {
		text += ":" + pick(r, "v1", "latest", "1.2.3-a_B", "-a", ".a", "_a", "", strings.Repeat("t", 120+r.Intn(12)),
			runOf(r, "aZ9._-", 6))
	}
	if r.Intn(3) == 0 {
		text += "@" + pick(r, "sha256:", "sha512:", "sha384:", "sha1:", "md5:", "SHA256:", "a+b.c:", "") +
			pick(r, strings.Repeat("0af1", 16), strings.Repeat("0af1", 24), strings.Repeat("0af1", 32),
				strings.Repeat("0AF1", 16), strings.Repeat("a", 30+r.Intn(40)), "")
	}
	return damaged(r, text, "aZ0.:/@-_ []\u00e9")
}

func images() kind {
	good, total := 0, 0
	return kind{"image", func(r *rand.Rand) question {
		text := imageText(r)
		return question{map[string]string{"ask": "image", "text": text}, 1, func(answer []byte) string {
			var ours *struct{ Registry, Repository, Tag, Digest string }
			if err := json.Unmarshal(answer, &ours); err != nil {
				return err.Error()
			}
			name, tag, digest, err := parsers.ParseImageName(text)
			total++
			if (ours != nil) != (err == nil) {
				return fmt.Sprintf("%s %s %s: %v", name, tag, digest, err)
			}
			if err != nil {
				return ""
			}
			good++
			if ours.Registry+"/"+ours.Repository != name || ours.Tag != tag || ours.Digest != digest {
				return fmt.Sprintf("%s %s %s", name, tag, digest)
			}
			return ""
		}}
	}, func() string { return fmt.Sprintf("%d of %d are references", good, total) }}
}
