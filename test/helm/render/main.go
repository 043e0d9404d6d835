// Renders Helm charts with Helm's own primitives: text/template, sprig, and the functions Helm adds to them.
// Reads a JSON list of requests on standard input and writes a JSON list of results on standard output.
//
// It renders one chart without dependencies and talks to no cluster: lookup finds nothing, as in `helm template`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// request is one rendering. Values are those of the user; they are laid over the chart's own.
type request struct {
	Chart       string                 `json:"chart"`
	Values      map[string]interface{} `json:"values"`
	Name        string                 `json:"name"`
	Namespace   string                 `json:"namespace"`
	Service     string                 `json:"service"`
	IsUpgrade   bool                   `json:"isUpgrade"`
	KubeVersion string                 `json:"kubeVersion"`
	APIVersions []string               `json:"apiVersions"`
	// Lenient leaves out values that do not exist, as Helm does; otherwise they are an error.
	Lenient bool `json:"lenient"`
}

// result has the text of each template by its path in the chart, or what went wrong.
type result struct {
	Templates map[string]string      `json:"templates"`
	Values    map[string]interface{} `json:"values"`
	Error     string                 `json:"error,omitempty"`
}

func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fmt.Fprintln(os.Stderr, "render: standard input:", err)
		os.Exit(2)
	}
	results := []result{}
	for _, one := range requests {
		results = append(results, answer(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		fmt.Fprintln(os.Stderr, "render: standard output:", err)
		os.Exit(1)
	}
}

func answer(one request) result {
	files, err := readChart(one.Chart)
	if err != nil {
		return result{Error: err.Error()}
	}
	scope, err := newScope(one, files)
	if err != nil {
		return result{Error: err.Error()}
	}
	texts, err := render(files.templates, scope, one.Lenient)
	if err != nil {
		return result{Error: err.Error()}
	}
	values, _ := scope["Values"].(map[string]interface{})
	return result{Templates: texts, Values: values}
}

// capitalised gives the fields of Chart.yaml the names that templates know them by: appVersion is .Chart.AppVersion.
func capitalised(fields map[string]interface{}) map[string]interface{} {
	named := map[string]interface{}{}
	for key, value := range fields {
		named[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return named
}
