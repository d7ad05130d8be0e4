"""A CIFAR-style ResNet: basic blocks, batch norm, SGD with momentum and weight decay, a cosine schedule, a checkpoint.

`python tests/programs/resnet.py [STEPS]`. Only the imports say minidl."""

import os
import sys
import tempfile

import numpy as np

import minidl as torch
import minidl.backends.cudnn as cudnn
import minidl.nn as nn
import minidl.nn.functional as F
import minidl.optim as optim
from minidl.utils.data import DataLoader, TensorDataset, random_split

device = "cuda" if torch.cuda.is_available() else "cpu"
best_acc = 0  # best test accuracy


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super(BasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        out = F.relu(out)
        return out


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=4):
        super(ResNet, self).__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(block, 8, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 16, num_blocks[1], stride=2)
        self.linear = nn.Linear(16 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    def _make_layer(self, block, planes, num_blocks, stride):
        strides = [stride] + [1] * (num_blocks - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.layer1(out)
        out = self.layer2(out)
        out = F.avg_pool2d(out, 4)
        out = out.view(out.size(0), -1)
        out = self.linear(out)
        return out


def make():
    net = ResNet(BasicBlock, [1, 2])
    net = net.to(device)
    if device == "cuda":
        net = torch.nn.DataParallel(net)
        cudnn.benchmark = True
    return (net,)


def loaders():
    rng = np.random.RandomState(0)
    targets = torch.from_numpy(rng.randint(0, 4, size=28)).long()
    images = torch.from_numpy(rng.uniform(size=(28, 3, 8, 8))).type(torch.get_default_dtype())
    images += targets.view(-1, 1, 1, 1).float() / 4
    dataset = TensorDataset(images, targets)
    trainset, testset = random_split(dataset, [20, 8], generator=torch.Generator().manual_seed(42))
    trainloader = DataLoader(trainset, batch_size=4, shuffle=True, num_workers=0, drop_last=True)
    testloader = DataLoader(testset, batch_size=8, shuffle=False)
    return trainloader, testloader


def train(net, steps):
    losses = []
    trainloader, testloader = loaders()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)
    for epoch in range(max(steps // len(trainloader), 1)):
        print("\nEpoch: %d" % epoch)
        net.train()
        train_loss, correct, total = 0, 0, 0
        for batch_idx, (inputs, targets) in enumerate(trainloader):
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
            losses.append(loss.item())
            _, predicted = outputs.max(1)
            total += targets.size(0)
            correct += predicted.eq(targets).sum().item()
        print("Loss: %.3f | Acc: %.3f%% (%d/%d)"
              % (train_loss / (batch_idx + 1), 100.0 * correct / total, correct, total))
        losses += test(net, testloader, criterion, epoch)
        scheduler.step()
        losses += scheduler.get_last_lr()
    return losses


def test(net, testloader, criterion, epoch):
    global best_acc
    net.eval()
    test_loss, correct, total = 0, 0, 0
    with torch.no_grad():
        for inputs, targets in testloader:
            inputs, targets = inputs.to(device), targets.to(device)
            outputs = net(inputs)
            test_loss += criterion(outputs, targets).item()
            predicted = outputs.argmax(dim=1)
            total += targets.size(0)
            correct += (predicted == targets).float().sum().item()
    acc = 100.0 * correct / total
    if acc >= best_acc:
        state = {"net": net.state_dict(), "acc": acc, "epoch": epoch}
        with tempfile.TemporaryDirectory() as folder:
            torch.save(state, os.path.join(folder, "ckpt.pth"))
            checkpoint = torch.load(os.path.join(folder, "ckpt.pth"), map_location=device)
        net.load_state_dict(checkpoint["net"])
        best_acc = checkpoint["acc"]
    return [test_loss, acc]


if __name__ == "__main__":
    train(*make(), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
