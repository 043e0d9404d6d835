package main

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver"
)

// kubeVersion is .Capabilities.KubeVersion.
type kubeVersion struct {
	Version string
	Major   string
	Minor   string
}

func (version kubeVersion) String() string { return version.Version }

func (version kubeVersion) GitVersion() string { return version.Version }

// apiVersions is .Capabilities.APIVersions.
type apiVersions []string

// Has says whether the cluster serves a group and version, gatehouse.dev/v1, or a kind of it, gatehouse.dev/v1/IPAddressPool.
func (known apiVersions) Has(wanted string) bool {
	for _, version := range known {
		if version == wanted {
			return true
		}
	}
	return false
}

type capabilities struct {
	KubeVersion kubeVersion
	APIVersions apiVersions
}

func parseKubeVersion(text string) (kubeVersion, error) {
	version, err := semver.NewVersion(text)
	if err != nil {
		return kubeVersion{}, fmt.Errorf("kubeVersion %q: %w", text, err)
	}
	name := "v" + strings.TrimPrefix(version.String(), "v")
	return kubeVersion{Version: name, Major: fmt.Sprint(version.Major()), Minor: fmt.Sprint(version.Minor())}, nil
}
