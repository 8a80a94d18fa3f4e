package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// newNetworkPoliciesCommand returns the command that enforces NetworkPolicies on one node.
//
// kube-network-policies gives a verdict on each packet in a netfilter queue. It also writes nftables rules that put the
// packets there; a kernel without NFT_QUEUE refuses these, and it goes on without. node.sh therefore writes the same
// rules by iptables.
func newNetworkPoliciesCommand() *cobra.Command {
	var kubeconfig string
	var config networkpolicy.Config
	command := &cobra.Command{
		Use:   "network-policies",
		Short: "Enforces NetworkPolicies on one node",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return enforceNetworkPolicies(kubeconfig, config)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the API server")
	command.Flags().StringVar(&config.NodeName, "node", "", "name of the node")
	command.Flags().IntVar(&config.QueueID, "queue", 100, "number of the netfilter queue")
	return command
}

func enforceNetworkPolicies(kubeconfig string, config networkpolicy.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	restConfig, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	// The last four arguments before the configuration are for AdminNetworkPolicies, which it leaves out.
	controller, err := networkpolicy.NewController(client,
		factory.Networking().V1().NetworkPolicies(), factory.Core().V1().Namespaces(), factory.Core().V1().Pods(),
		nil, nil, nil, nil, config)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return controller.Run(ctx)
}
