package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	yaml "gopkg.in/yaml.v2"
)

// Included templates may include others; more than this is a loop.
const mostIncludes = 1000

// render executes every template of a chart; partials, whose names begin with _, only define.
func render(templates map[string]string, scope map[string]interface{}, lenient bool) (map[string]string, error) {
	root := template.New("gotpl")
	if lenient {
		root.Option("missingkey=zero")
	} else {
		root.Option("missingkey=error")
	}
	root.Funcs(functions(root))
	for name, text := range templates {
		if _, err := root.New(name).Parse(text); err != nil {
			return nil, err
		}
	}
	texts := map[string]string{}
	for name := range templates {
		if strings.HasPrefix(name[strings.LastIndex(name, "/")+1:], "_") {
			continue
		}
		scope["Template"] = map[string]interface{}{"Name": "gatehouse/" + name, "BasePath": "gatehouse/templates"}
		var text strings.Builder
		if err := root.ExecuteTemplate(&text, name, scope); err != nil {
			return nil, err
		}
		texts[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	return texts, nil
}

// functions are those of a template in Helm: sprig's without the environment, and Helm's own.
func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	for name, function := range conversions() {
		all[name] = function
	}
	depth := map[string]int{}
	all["include"] = func(name string, scope interface{}) (string, error) {
		if depth[name] > mostIncludes {
			return "", fmt.Errorf("%q includes itself without end", name)
		}
		depth[name]++
		defer func() { depth[name]-- }()
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, scope)
		return text.String(), err
	}
	all["tpl"] = func(text string, scope interface{}) (string, error) {
		clone, err := root.Clone()
		if err != nil {
			return "", err
		}
		clone.Funcs(functions(clone))
		parsed, err := clone.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = parsed.Execute(&out, scope)
		return strings.ReplaceAll(out.String(), "<no value>", ""), err
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, errors.New(message)
		}
		return value, nil
	}
	all["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	all["lookup"] = func(string, string, string, string) map[string]interface{} { return map[string]interface{}{} }
	return all
}

// conversions answer an error as Helm does: in the value, under the key Error, or as the one element of a list.
func conversions() template.FuncMap {
	return template.FuncMap{
		"toYaml":        toYAML,
		"toJson":        toJSON,
		"fromJson":      func(text string) map[string]interface{} { return asMap(parseJSON(text)) },
		"fromYaml":      func(text string) map[string]interface{} { return asMap(parseYAML(text)) },
		"fromJsonArray": func(text string) []interface{} { return asList(parseJSON(text)) },
		"fromYamlArray": func(text string) []interface{} { return asList(parseYAML(text)) },
	}
}

func asMap(value interface{}, err error) map[string]interface{} {
	if err != nil {
		return map[string]interface{}{"Error": err.Error()}
	}
	fields, _ := value.(map[string]interface{})
	if fields == nil {
		return map[string]interface{}{}
	}
	return fields
}

func asList(value interface{}, err error) []interface{} {
	if err != nil {
		return []interface{}{err.Error()}
	}
	elements, _ := value.([]interface{})
	return elements
}

func parseJSON(text string) (interface{}, error) {
	var value interface{}
	err := json.Unmarshal([]byte(text), &value)
	return value, err
}

func toJSON(value interface{}) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// toYAML goes by way of JSON, as sigs.k8s.io/yaml does: json tags count, numbers are JSON's.
func toYAML(value interface{}) string {
	var plain interface{}
	if err := yaml.Unmarshal([]byte(toJSON(value)), &plain); err != nil {
		return ""
	}
	text, err := yaml.Marshal(plain)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// parseYAML gives what JSON would: maps by text keys, and every number a float64.
func parseYAML(text string) (interface{}, error) {
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	plain, err := withTextKeys(value)
	if err != nil {
		return nil, err
	}
	return parseJSON(toJSON(plain))
}

func withTextKeys(value interface{}) (interface{}, error) {
	switch value := value.(type) {
	case map[interface{}]interface{}:
		fields := map[string]interface{}{}
		for key, field := range value {
			plain, err := withTextKeys(field)
			if err != nil {
				return nil, err
			}
			fields[fmt.Sprint(key)] = plain
		}
		return fields, nil
	case []interface{}:
		elements := make([]interface{}, len(value))
		for index, element := range value {
			plain, err := withTextKeys(element)
			if err != nil {
				return nil, err
			}
			elements[index] = plain
		}
		return elements, nil
	default:
		return value, nil
	}
}
