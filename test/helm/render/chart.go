package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// chartFiles is a chart as it lies on the disk.
type chartFiles struct {
	metadata  map[string]interface{}
	values    map[string]interface{}
	templates map[string]string
	// other is what .Files shows: everything but templates.
	other map[string][]byte
}

func readChart(folder string) (chartFiles, error) {
	chart := chartFiles{templates: map[string]string{}, other: map[string][]byte{}}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inChart, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(inChart, "templates/") {
			chart.templates[inChart] = string(data)
		} else {
			chart.other[inChart] = data
		}
		return nil
	})
	if err != nil {
		return chart, err
	}
	if chart.metadata, err = readMap(chart.other["Chart.yaml"]); err != nil {
		return chart, err
	}
	chart.values, err = readMap(chart.other["values.yaml"])
	return chart, err
}

func readMap(text []byte) (map[string]interface{}, error) {
	value, err := parseYAML(string(text))
	if err != nil {
		return nil, err
	}
	fields, ok := value.(map[string]interface{})
	if !ok {
		return nil, errors.New("Chart.yaml and values.yaml must be maps")
	}
	return fields, nil
}

// newScope is what a template sees as its dot.
func newScope(one request, chart chartFiles) (map[string]interface{}, error) {
	version, err := parseKubeVersion(one.KubeVersion)
	if err != nil {
		return nil, err
	}
	revision := 1
	if one.IsUpgrade {
		revision = 2
	}
	return map[string]interface{}{
		"Values": overlay(chart.values, one.Values),
		"Chart":  capitalised(chart.metadata),
		"Release": map[string]interface{}{
			"Name": one.Name, "Namespace": one.Namespace, "Service": one.Service,
			"IsInstall": !one.IsUpgrade, "IsUpgrade": one.IsUpgrade, "Revision": revision,
		},
		"Capabilities": capabilities{KubeVersion: version, APIVersions: one.APIVersions},
		"Files":        files(chart.other),
		"Subcharts":    map[string]interface{}{},
	}, nil
}

// overlay lays maps over each other; null removes a key, everything else replaces it.
func overlay(base, over map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range base {
		merged[key] = value
	}
	for key, value := range over {
		below, isMap := merged[key].(map[string]interface{})
		above, alsoMap := value.(map[string]interface{})
		switch {
		case value == nil:
			delete(merged, key)
		case isMap && alsoMap:
			merged[key] = overlay(below, above)
		default:
			merged[key] = value
		}
	}
	return merged
}

// files is .Files: what lies in the chart beside templates.
type files map[string][]byte

func (all files) Get(name string) string { return string(all[name]) }

func (all files) GetBytes(name string) []byte { return all[name] }

func (all files) Lines(name string) []string {
	return strings.Split(strings.TrimSuffix(string(all[name]), "\n"), "\n")
}

// Glob knows * and ? within one folder; ** is not needed here and is refused by an empty answer.
func (all files) Glob(pattern string) files {
	found := files{}
	for name, data := range all {
		if matches, err := path.Match(pattern, name); err == nil && matches {
			found[name] = data
		}
	}
	return found
}

func (all files) AsConfig() string {
	entries := map[string]interface{}{}
	for name, data := range all {
		entries[path.Base(name)] = string(data)
	}
	return toYAML(entries)
}
