package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v11/controller"
)

// diskProvisioner is the provisioner of the storage classes in system.yaml.
const diskProvisioner = "disks.delaycast.example"

// disks makes a folder of the machine for each claim. All nodes see it, so that a disk follows its pod to another node,
// as a disk in a cloud does. The kubelet gives it to the group of the pod.
type disks struct {
	// folder has a folder for each disk.
	folder string
}

// newDisksCommand returns the command that makes and deletes the disks of a cluster.
func newDisksCommand() *cobra.Command {
	var kubeconfig string
	provisioner := &disks{}
	command := &cobra.Command{
		Use:   "disks",
		Short: "Makes folders as the disks of claims, and deletes them",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return provisionDisks(kubeconfig, provisioner)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the API server")
	command.Flags().StringVar(&provisioner.folder, "folder", "", "folder that gets a folder for each disk")
	return command
}

func provisionDisks(kubeconfig string, provisioner *disks) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	controller.NewProvisionController(ctx, client, diskProvisioner, provisioner, controller.LeaderElection(false)).Run(ctx)
	return nil
}

// Provision makes a disk. It has the size of its file system: nothing holds it to that of the claim.
func (d *disks) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(d.folder, options.PVName)
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, controller.ProvisioningFinished, err
	}
	// A volume of this kind wants nodes: any that has a name will do.
	anyNode := core.NodeSelectorTerm{MatchExpressions: []core.NodeSelectorRequirement{
		{Key: core.LabelHostname, Operator: core.NodeSelectorOpExists},
	}}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity: core.ResourceList{
				core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{
				Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{anyNode}},
			},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete deletes a disk and what it holds.
func (d *disks) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Spec.Local == nil || filepath.Dir(volume.Spec.Local.Path) != filepath.Clean(d.folder) {
		return fmt.Errorf("the volume %s is no folder in %s", volume.Name, d.folder)
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}
