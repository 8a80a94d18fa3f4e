// Command kubernetes is all programs of a Kubernetes cluster in one file: the name that it is called by selects one.
// They share most of their packages, so that these are compiled and linked once.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name := filepath.Base(os.Args[0])
	switch name {
	case "etcd":
		// It exits by itself.
		etcdmain.Main(os.Args)
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			// It prints the error, and exits with the code that kubectl has for it.
			kubectlutil.CheckErr(err)
		}
	default:
		command := daemon(name)
		if command == nil {
			fmt.Fprintf(os.Stderr, "error: there is no program %s: link this file by the name of one\n", name)
			os.Exit(2)
		}
		os.Exit(cli.Run(command))
	}
}

// daemon returns the command of a daemon, or nil if there is none of that name. It makes only this one: each takes over
// the signals of the process.
func daemon(name string) *cobra.Command {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background())
	case "kube-proxy":
		return proxy.NewProxyCommand()
	case "buckets":
		return newBucketsCommand()
	case "disks":
		return newDisksCommand()
	case "metrics-server":
		return newMetricsServerCommand()
	case "network-policies":
		return newNetworkPoliciesCommand()
	}
	return nil
}
