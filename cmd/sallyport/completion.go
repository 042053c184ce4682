package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Help is shown below the flags.
func (completionCmd) Help() string {
	return `For the shell that is open, and in its start file for every one:

  source <(sallyport completion bash)
  source <(sallyport completion zsh)
  sallyport completion fish | source
  sallyport completion powershell | Out-String | Invoke-Expression`
}

// Run prints a script made from the grammar, so that it cannot fall behind.
func (c *completionCmd) Run(s *streams, k *kong.Kong) error {
	switch c.Shell {
	case "bash":
		bash(s.out, k.Model.Node)
	case "zsh":
		fmt.Fprintln(s.out, "#compdef sallyport\nautoload -U +X bashcompinit && bashcompinit")
		bash(s.out, k.Model.Node)
		fmt.Fprintln(s.out, `[[ "${funcstack[1]}" != _sallyport ]] || _bash_complete -o filenames -F _sallyport # loaded by the first Tab`)
	case "fish":
		fish(s.out, k.Model.Node)
	case "powershell":
		powershell(s.out, k.Model.Node)
	}
	return nil
}

// words are what may follow a command: its subcommands, the values of its arguments, and its flags.
func words(n *kong.Node) []string {
	var list []string
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			list = append(list, child.Name)
		}
	}
	for _, p := range n.Positional {
		if p.Enum != "" {
			list = append(list, strings.Split(p.Enum, ",")...)
		}
	}
	for _, f := range n.Flags {
		list = append(list, "--"+f.Name)
	}
	return list
}

func commands(n *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			list = append(list, child)
			list = append(list, commands(child)...)
		}
	}
	return list
}

func bash(w io.Writer, root *kong.Node) {
	fmt.Fprintln(w, "_sallyport() {\n  local typed=\"${COMP_WORDS[*]:1:$((COMP_CWORD-1))}\" words\n  case \" $typed \" in")
	all := commands(root)
	for i := len(all) - 1; i >= 0; i-- { // subcommands before their commands
		fmt.Fprintf(w, "    *\" %s \"*) words=%q ;;\n", strings.TrimPrefix(all[i].Path(), "sallyport "), strings.Join(words(all[i]), " "))
	}
	fmt.Fprintf(w, "    *) words=%q ;;\n  esac\n", strings.Join(words(root), " "))
	fmt.Fprintln(w, "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\") $(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o filenames -F _sallyport sallyport")
}

func fish(w io.Writer, root *kong.Node) {
	for _, c := range root.Children {
		fmt.Fprintf(w, "complete -c sallyport -n __fish_use_subcommand -a %s -d %q\n", c.Name, c.Help)
	}
	for _, c := range root.Children {
		for _, child := range c.Children {
			fmt.Fprintf(w, "complete -c sallyport -n '__fish_seen_subcommand_from %s' -a %s -d %q\n", c.Name, child.Name, child.Help)
		}
		for _, f := range c.Flags {
			fmt.Fprintf(w, "complete -c sallyport -n '__fish_seen_subcommand_from %s' -l %s -d %q\n", c.Name, f.Name, f.Help)
		}
	}
}

// powershell completes by the longest command that has been typed: two words before one.
func powershell(w io.Writer, root *kong.Node) {
	fmt.Fprintln(w, "Register-ArgumentCompleter -Native -CommandName sallyport -ScriptBlock {\n  param($word, $ast, $cursor)\n  $words = @{")
	fmt.Fprintf(w, "    '' = '%s'\n", strings.Join(words(root), " "))
	for _, c := range commands(root) {
		fmt.Fprintf(w, "    '%s' = '%s'\n", strings.TrimPrefix(c.Path(), "sallyport "), strings.Join(words(c), " "))
	}
	fmt.Fprintln(w, `  }
  $typed = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" } | Where-Object { $_ -notlike '-*' })
  $found = $words['']
  foreach ($n in 1, 2) {
    $path = ($typed | Select-Object -First $n) -join ' '
    if ($words.ContainsKey($path)) { $found = $words[$path] }
  }
  $found -split ' ' | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}`)
}
