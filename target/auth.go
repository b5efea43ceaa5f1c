// SPDX-License-Identifier: Apache-2.0

package target

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// credentials are those of one node.
type credentials struct{ username, password, token, jwt string }

// checkCredentials allows one kind only: which one would be sent must not be a guess.
func (c *Config) checkCredentials() error {
	c.Token, c.JWT = strings.TrimSpace(c.Token), strings.TrimSpace(c.JWT)
	kinds := 0
	for _, s := range []string{c.Username + c.Password, c.Token, c.JWT} {
		if s != "" {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return errors.New("more than one kind of credentials: give a user with a password, or a token, or a JWT")
	case c.Username == "" && c.Password != "":
		return errors.New("a password without a user")
	case strings.Contains(c.Username, ":"):
		return errors.New("a user name with a colon cannot be sent")
	case strings.ContainsFunc(c.Token+c.JWT, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the token holds characters that cannot be sent")
	}
	return nil
}

// credentialsFor gives what a node with this user information in its URL gets.
func (c *Config) credentialsFor(user *url.Userinfo) (credentials, error) {
	if user == nil {
		return credentials{c.Username, c.Password, c.Token, c.JWT}, nil
	}
	if c.Token != "" || c.JWT != "" {
		return credentials{}, errors.New("a user in a URL beside a token: give one of them")
	}
	password, _ := user.Password()
	if strings.Contains(user.Username(), ":") {
		return credentials{}, errors.New("a user name with a colon cannot be sent")
	}
	return credentials{username: user.Username(), password: password}, nil
}

// header gives the Authorization header for an API; "" for none. 1.x takes a name and a
// password as a token with the write API of 2.x, but not all of its versions do so
// elsewhere.
func (c credentials) header(api API) string {
	pair := c.token
	if c.username != "" {
		pair = c.username + ":" + c.password
	}
	switch {
	case c.jwt != "":
		return "Bearer " + c.jwt
	case pair == "":
		return ""
	case api != V2 && strings.Contains(pair, ":"):
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	default:
		return "Token " + pair
	}
}

// shortestHidden is the length of the shortest secret that hide looks for. Shorter ones
// are in every text by accident, and a gap would tell them.
const shortestHidden = 4

const hidden = "[hidden]"

// hider makes what takes the credentials out of a text. Nothing here writes them into one,
// but a server may send back what it was sent.
func (c credentials) hider() *strings.Replacer {
	var pairs []string
	add := func(secret string) {
		if len(secret) >= shortestHidden {
			pairs = append(pairs, secret, hidden)
		}
	}
	_, basic, _ := strings.Cut(c.header(V1), "Basic ")
	_, tokenPassword, _ := strings.Cut(c.token, ":")
	for _, secret := range []string{basic, c.token, c.jwt, c.password, tokenPassword} {
		add(secret)
		add(url.QueryEscape(secret))
		add(url.PathEscape(secret))
	}
	return strings.NewReplacer(pairs...)
}
