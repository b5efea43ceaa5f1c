// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// configFlag names a YAML file with values for flags. JSON is YAML.
type configFlag string

// BeforeResolve reads the file, when the flag is set by whatever means.
func (configFlag) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(configFlag)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(kong.ExpandPath(string(path)))
	if err != nil {
		return fmt.Errorf("--config: read %s: %w", path, bare(err))
	}
	r, err := configResolver(text, ctx.Model)
	if err != nil {
		return fmt.Errorf("--config: read %s: %w", path, err)
	}
	ctx.AddResolver(r)
	return nil
}

// configResolver resolves flags from the text of a configuration file. It refuses what is no
// flag, for a mistyped name must not be passed over.
func configResolver(text []byte, app *kong.Application) (kong.Resolver, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, parseError(err)
	}
	asText(&doc)
	values := map[string]any{}
	if err := doc.Decode(&values); err != nil {
		return nil, parseError(err)
	}
	if err := checkKeys(values, app.Node, ""); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(values)
	if err != nil {
		return nil, parseError(err)
	}
	r, err := kongyaml.Loader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return kong.ResolverFunc(func(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, ok := os.LookupEnv(env); ok {
				return nil, nil //nolint:nilnil // the environment wins
			}
		}
		return r.Resolve(ctx, parent, flag)
	}), nil
}

func parseError(err error) error {
	return fmt.Errorf("parse YAML: %s", strings.ReplaceAll(err.Error(), "\n", " "))
}

// asText makes text of every value, as written, for that is what flags are set from:
// YAML would have numbers and times, also where a name is wanted.
func asText(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		n.Tag = "!!str"
	}
	for _, child := range n.Content {
		asText(child)
	}
}

// checkKeys refuses keys that are neither a flag nor a command of node. The flags of
// the application itself end the process or were dealt with, so none of them is known.
func checkKeys(values map[string]any, node *kong.Node, at string) error {
next:
	for key, value := range values {
		for _, child := range node.Children {
			if child.Name != key {
				continue
			}
			section, ok := value.(map[string]any)
			if !ok && value != nil {
				return fmt.Errorf("%s%s holds no flags", at, key)
			}
			if err := checkKeys(section, child, at+key+"."); err != nil {
				return err
			}
			continue next
		}
		for _, flag := range node.Flags {
			if flag.Name == key && node.Type == kong.CommandNode {
				if value == nil {
					return fmt.Errorf("%s%s has no value", at, key)
				}
				continue next
			}
		}
		return fmt.Errorf("unknown key %s%s", at, key)
	}
	return nil
}
